import path from 'node:path';
import { OutputFile } from '../stitcher/output-file.ts';
import { type StitchOptions, type StoredOutput, stitch, stitchInStore } from '../stitcher/stitch.ts';
import { keys } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { codecTraits } from '../types/codecs.ts';
import type { Plan } from '../types/plan.ts';
import { runLimited } from '../utils/run-limited.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { sequenceExtension } from './steps.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;

export interface MadeOutput extends StoredOutput {
  /** Of the file, or of the folder of a sequence. */
  readonly key: string;
}

/** Joins the segments and the sound that lie in the store into the output there; by way of a file where need be. */
export async function makeOutput(options: StitchOptions): Promise<MadeOutput> {
  const { plan, store } = options;
  const sequence = sequenceExtension(plan);
  const extension = sequence ?? (codecTraits[plan.encoding.codec].extensions[0] as string);
  const key = keys.output(plan.id, extension);
  const joined = sequence === undefined ? await stitchInStore(options, key) : undefined;
  if (joined) return { ...joined, key };
  await using folder = await createWorkFolder('output');
  await using output = await OutputFile.reserve(
    path.join(folder.path, sequence ? 'output' : `output.${extension}`),
    sequence,
  );
  const seams = await stitch(options, output.partial);
  const bytes = await output.commit();
  if (sequence !== undefined)
    return { key: await putSequence(store, plan, output.target, sequence), bytes, seams };
  await store.put(key, { file: output.target });
  return { key, bytes, seams };
}

async function putSequence(
  store: ObjectStore,
  { id, frames }: Plan,
  target: string,
  extension: string,
): Promise<string> {
  const folder = `renders/${id}/output`;
  const names = Array.from(
    { length: frames },
    (_, frame) => `${String(frame).padStart(5, '0')}.${extension}`,
  );
  await runLimited(names, MAX_REQUESTS, undefined, (name) =>
    store.put(`${folder}/${name}`, { file: path.join(path.dirname(target), name) }),
  );
  return folder;
}
