import path from 'node:path';
import { lookup } from 'mime-types';
import { keys } from '../storage/keys.ts';
import type { ObjectStore, PutOptions } from '../storage/object-store.ts';
import type { Plan } from '../types/plan.ts';
import { runLimited } from '../utils/run-limited.ts';
import { sequenceExtension } from './steps.ts';

const MAX_REQUESTS = 16;

function typeOf(name: string): PutOptions {
  return { contentType: lookup(name) || 'application/octet-stream' };
}

/**
 * Puts a finished output into the store, as `renders/<id>/output.<ext>`, or `output/00000.<ext>` and so on.
 * @param target the file; of a sequence the pattern, or the folder of its pictures
 * @returns its address in the store
 */
export async function storeOutput(
  store: ObjectStore,
  plan: Pick<Plan, 'id' | 'frames' | 'encoding'>,
  target: string,
): Promise<string> {
  const sequence = sequenceExtension(plan);
  if (sequence === undefined) {
    const key = keys.output(plan.id, path.extname(target).slice(1));
    await store.put(key, { file: target }, typeOf(key));
    return `${store.url}/${key}`;
  }
  const folder = `renders/${plan.id}/output`;
  const names = Array.from(
    { length: plan.frames },
    (_, frame) => `${String(frame).padStart(5, '0')}.${sequence}`,
  );
  await runLimited(names, MAX_REQUESTS, undefined, (name) =>
    store.put(`${folder}/${name}`, { file: path.join(path.dirname(target), name) }, typeOf(name)),
  );
  return `${store.url}/${folder}`;
}
