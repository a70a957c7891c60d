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
  /** Another one when other bytes lie there. */
  readonly version?: string | undefined;
  /** Of its bytes, where the store itself has reckoned it. */
  readonly sha256?: string | undefined;
}

export interface PutOptions {
  readonly contentType?: string;
  /** Of the bytes; a store that reckons it refuses others, and tells it with the object. */
  readonly sha256?: string;
}

/** Some bytes of an object. */
export interface ByteSpan {
  readonly start: number;
  /** Not in it; what is beyond the object's end is left out. */
  readonly end: number;
  /** The version they are of. @default any */
  readonly version?: string | undefined;
}

/** Some bytes of an object in a store. */
export interface StoredSpan extends ByteSpan {
  readonly key: string;
}

/** A stretch of an object that is put together. */
export interface Section {
  readonly length: number;
  /** Its bytes. When it fails, even after its last byte, or gives more or fewer, nothing is written. */
  open(): AsyncIterable<Uint8Array>;
  /** Where the same bytes lie in this store, which may take them from there. S3 holds a section without in memory. */
  readonly stored?: readonly StoredSpan[] | undefined;
}

export interface ComposeOptions extends Pick<PutOptions, 'contentType'> {
  readonly signal?: AbortSignal | undefined;
}

/** Where bytes live. Keys are relative paths with forward slashes. An object appears whole or not at all. */
export interface ObjectStore {
  /** Address of the store: a folder, `s3://bucket/prefix` or `gs://bucket/prefix`. */
  readonly url: string;
  /** Whether `compose` has the store copy what it holds, so that those bytes do not pass through here. */
  readonly copiesSpans: boolean;
  /**
   * @param span what of it; @default all
   * @throws NotFoundError; StorageError when it is of another version
   */
  get(key: string, span?: ByteSpan): Promise<Readable>;
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void>;
  /** Puts an object together from sections in order, in bounded memory. */
  compose(key: string, sections: readonly Section[], options?: ComposeOptions): Promise<void>;
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
