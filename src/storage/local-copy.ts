import { createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { toWriteError } from '../utils/fs-errors.ts';
import type { ObjectStore } from './object-store.ts';

/** A file of this machine with the object's bytes: the store's own one, else a copy in `folder`. To be read only. */
export async function localCopy(store: ObjectStore, key: string, folder: string): Promise<string> {
  const own = store.localPath(key);
  if (own && (await stat(own).catch(() => undefined))) return own;
  const file = path.join(folder, key.replaceAll('/', '_'));
  if (await stat(file).catch(() => undefined)) return file;
  const source = await store.get(key);
  try {
    await mkdir(folder, { recursive: true });
    await pipeline(source, createWriteStream(file));
  } catch (error) {
    throw toWriteError(error, file);
  }
  return file;
}
