import path from 'node:path';
import { OutputFile } from '../stitcher/output-file.ts';
import { type StitchOptions, stitch, stitchInStore } from '../stitcher/stitch.ts';
import { keys } from '../storage/keys.ts';
import { codecTraits } from '../types/codecs.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { type FinishedOutput, sequenceExtension } from './steps.ts';
import { storeOutput } from './store-output.ts';

/** Joins the segments and the sound that lie in the store into the output there; by way of a file where need be. */
export async function makeOutput(options: StitchOptions): Promise<FinishedOutput> {
  const { plan, store } = options;
  const sequence = sequenceExtension(plan);
  const extension = sequence ?? (codecTraits[plan.encoding.codec].extensions[0] as string);
  if (sequence === undefined) {
    const key = keys.output(plan.id, extension);
    const stored = await stitchInStore(options, key);
    if (stored) return { ...stored, address: `${store.url}/${key}` };
  }
  await using folder = await createWorkFolder('output');
  await using output = await OutputFile.reserve(
    path.join(folder.path, sequence ? 'output' : `output.${extension}`),
    sequence,
  );
  const joined = await stitch(options, output.partial);
  const bytes = await output.commit();
  return { ...joined, bytes, address: await storeOutput(store, plan, output.target) };
}
