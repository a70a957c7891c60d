import path from 'node:path';
import { OutputFile } from '../stitcher/output-file.ts';
import { type StitchOptions, stitch, stitchInStore } from '../stitcher/stitch.ts';
import { keys } from '../storage/keys.ts';
import { codecTraits } from '../types/codecs.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { type FinishedOutput, sequenceExtension } from './steps.ts';
import { storeOutput } from './store-output.ts';

/** Joins the segments and the sound that lie in the store into an output of this machine. @throws as stitch */
export async function makeFile(options: StitchOptions, output: OutputFile): Promise<FinishedOutput> {
  const joined = await stitch(options, output.partial);
  return { ...joined, bytes: await output.commit(), address: output.target };
}

/**
 * Joins the segments and the sound that lie in the store into the output there; by way of a file where need be.
 * @param outputPath of the job: a file there ends as this one does, in small letters. @default the first ending of the codec
 * @throws as stitch
 */
export async function makeOutput(options: StitchOptions, outputPath = ''): Promise<FinishedOutput> {
  const { plan, store } = options;
  const sequence = sequenceExtension(plan);
  const extension =
    sequence ??
    (path.extname(outputPath).slice(1).toLowerCase() ||
      (codecTraits[plan.encoding.codec].extensions[0] as string));
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
  const made = await makeFile(options, output);
  return { ...made, address: await storeOutput(store, plan, made.address) };
}
