import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StorageError } from '../utils/errors.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import type { ObjectStore } from './object-store.ts';

export interface LocalCopyOptions {
  /** What a copied object must have; what lies on this machine already is not read. @default not checked */
  readonly sha256?: string | undefined;
  /** Ends the copying. */
  readonly signal?: AbortSignal | undefined;
}

/** The copies on their way, by their file. */
const arriving = new Map<string, Promise<void>>();

async function fetchCopy(
  store: ObjectStore,
  key: string,
  file: string,
  { sha256, signal }: LocalCopyOptions,
): Promise<void> {
  if (await stat(file).catch(() => undefined)) return;
  const source = await store.get(key);
  const partial = `${file}.${randomUUID()}.partial`;
  const hash = createHash('sha256');
  async function* hashed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const target = createWriteStream(partial);
    await pipeline(source, hashed, target, signal ? { signal } : {});
    const found = hash.digest('hex');
    if (sha256 !== undefined && found !== sha256) {
      throw new StorageError(`${key} of the store is damaged: its SHA-256 is ${found} (${store.url}).`, {
        details: { key, store: store.url, expected: sha256, found },
      });
    }
    await rename(partial, file);
  } catch (error) {
    source.destroy();
    await rm(partial, { force: true });
    throw toWriteError(error, file);
  }
}

/**
 * A file of this machine with the object's bytes: the store's own one, else a copy in `folder`, made once however
 * many ask for it. To be read only.
 * @throws NotFoundError, StorageError, DiskFullError, OutputError
 */
export async function localCopy(
  store: ObjectStore,
  key: string,
  folder: string,
  options: LocalCopyOptions = {},
): Promise<string> {
  const own = store.localPath(key);
  if (own && (await stat(own).catch(() => undefined))) return own;
  const file = path.join(folder, key.replaceAll('/', '_'));
  const copying = arriving.get(file) ?? fetchCopy(store, key, file, options);
  arriving.set(file, copying);
  await copying.finally(() => arriving.delete(file));
  return file;
}
