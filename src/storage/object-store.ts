import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { NotFoundError, StorageError } from '../utils/errors.ts';

/** What is put: bytes, text (UTF-8), or a file of this machine. */
export type ObjectBody = Uint8Array | string | { readonly file: string };

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
}

export interface PutOptions {
  readonly contentType?: string;
}

/** Where bytes live. Keys are relative paths with forward slashes. An object appears whole or not at all. */
export interface ObjectStore {
  /** Address of the store: a folder, `s3://bucket/prefix` or `gs://bucket/prefix`. */
  readonly url: string;
  /** @throws NotFoundError */
  get(key: string): Promise<Readable>;
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void>;
  /** Writes only when there is nothing under the key. @returns whether it wrote */
  putIfAbsent(key: string, body: ObjectBody, options?: PutOptions): Promise<boolean>;
  head(key: string): Promise<ObjectInfo | undefined>;
  /** All objects whose key begins with the prefix, in the order of their keys' UTF-8 bytes. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /** Makes an object count as put just now, its bytes as they are. What is not there stays so. */
  touch(key: string): Promise<void>;
  /**
   * An address that reads the object without credentials, for that many seconds (S3 and Cloud Storage: at most
   * 604800; S3: no longer than the credentials that signed it).
   */
  presign(key: string, seconds: number): Promise<string>;
  /** The object's own file, when it lies on this machine; to be read only. */
  localPath(key: string): string | undefined;
}

/** Bytes of a body. */
export async function sizeOf(body: ObjectBody): Promise<number> {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.length : (await stat(body.file)).size;
}

export async function readBytes(store: ObjectStore, key: string): Promise<Buffer> {
  return buffer(await store.get(key));
}

/** @throws NotFoundError; StorageError when the object is no JSON */
export async function readJson(store: ObjectStore, key: string): Promise<unknown> {
  const text = (await readBytes(store, key)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StorageError(`${key} of the store is damaged: it is no JSON (${store.url}).`, {
      cause,
      details: { key, store: store.url },
    });
  }
}

/** As `readJson`; `undefined` when there is none, or it is no JSON. */
export async function findJson(store: ObjectStore, key: string): Promise<unknown> {
  try {
    return await readJson(store, key);
  } catch (error) {
    const damaged = error instanceof StorageError && error.cause instanceof SyntaxError;
    if (damaged || error instanceof NotFoundError) return undefined;
    throw error;
  }
}

export async function putJson(store: ObjectStore, key: string, value: unknown): Promise<void> {
  await store.put(key, JSON.stringify(value), { contentType: 'application/json' });
}
