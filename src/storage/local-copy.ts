import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256File } from '../utils/digest.ts';
import { BlobDamagedError } from '../utils/errors.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import type { ObjectStore } from './object-store.ts';

export interface LocalCopyOptions {
  /** What the object must have; a file of the store itself is read once for it, unless it changes. @default not checked */
  readonly sha256?: string | undefined;
  /** Ends the copying. */
  readonly signal?: AbortSignal | undefined;
}

/** Files of a store on this machine whose bytes were checked, with what they looked like then. */
const checked = new Map<string, string>();

function damaged(store: ObjectStore, key: string, expected: string, found: string): BlobDamagedError {
  return new BlobDamagedError(
    `${key} of the store is damaged: its SHA-256 is ${found} (${store.url}). Delete it, and render again from the composition's folder.`,
    { details: { key, store: store.url, expected, found } },
  );
}

async function checkOwn(store: ObjectStore, key: string, file: string, expected: string): Promise<void> {
  const { size, mtimeMs, ctimeMs, ino } = await stat(file);
  const looks = [size, mtimeMs, ctimeMs, ino].join();
  if (checked.get(file) === looks) return;
  const found = await sha256File(file);
  if (found !== expected) throw damaged(store, key, expected, found);
  checked.set(file, looks);
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
    if (sha256 !== undefined && found !== sha256) throw damaged(store, key, sha256, found);
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
  if (own && (await stat(own).catch(() => undefined))) {
    if (options.sha256 !== undefined) await checkOwn(store, key, own, options.sha256);
    return own;
  }
  const file = path.join(folder, key.replaceAll('/', '_'));
  const copying = arriving.get(file) ?? fetchCopy(store, key, file, options);
  arriving.set(file, copying);
  await copying.finally(() => arriving.delete(file));
  return file;
}
