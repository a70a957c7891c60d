import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Bucket, type FileMetadata, IdempotencyStrategy, Storage } from '@google-cloud/storage';
import { CredentialsError, NotFoundError, StorageError } from '../utils/errors.ts';
import { isTransientAuthError } from '../utils/google-auth-errors.ts';
import { retry } from '../utils/retry.ts';
import { type GcsRequest, gcsStatus, isTransient, toStoreError } from './gcs-errors.ts';
import { readMedia } from './gcs-media.ts';
import { signAddress } from './gcs-signing.ts';
import type { GcsTiming } from './gcs-store.ts';
import {
  type ByteSpan,
  type ComposeOptions,
  type ObjectBody,
  type ObjectInfo,
  type PutOptions,
  type Section,
  sizeOf,
} from './object-store.ts';
import type { ContentSource, ObjectContent } from './read-resuming.ts';
import { readSections } from './read-sections.ts';

/** Larger bodies are sent in chunks of this size, which are sent again each by itself. */
const CHUNK_BYTES = 8 * 1024 ** 2;
const MAX_RETRIES = 10;
const MAX_DELAY_SECONDS = 5;
/** Name of the metadata by which a write knows its own object again. */
const WRITE_ID = 'helios-write';

const MEDIA_RETRIES = { attempts: MAX_RETRIES, baseMs: 100, maxMs: MAX_DELAY_SECONDS * 1000 };

interface Upload {
  readonly contentType: string | undefined;
  /** Set for a write that must find nothing. */
  readonly writeId?: string;
}

/** Requests to one bucket by whole keys, their errors typed. */
export class GcsBucket implements ContentSource {
  readonly #bucket: Bucket;
  readonly #name: string;
  #authorized: Promise<unknown> | undefined;

  private constructor(bucket: Bucket, name: string) {
    this.#bucket = bucket;
    this.#name = name;
  }

  static open(name: string, { retrySeconds }: GcsTiming): GcsBucket {
    const storage = new Storage({
      retryOptions: {
        // The library's other strategies switch the retries of all requests off while one of them is on its way.
        idempotencyStrategy: IdempotencyStrategy.RetryAlways,
        retryableErrorFn: isTransient,
        totalTimeout: retrySeconds,
        maxRetries: MAX_RETRIES,
        maxRetryDelay: MAX_DELAY_SECONDS,
      },
    });
    return new GcsBucket(storage.bucket(name), name);
  }

  /** @throws NotFoundError; StorageError when it is of another version */
  async get(key: string, span?: ByteSpan): Promise<ObjectContent> {
    const request = { bucket: this.#name, key, span };
    const read = () => this.#ask('read', key, () => readMedia(this.#bucket.storage, request));
    try {
      return await retry(read, MEDIA_RETRIES);
    } catch (error) {
      if (!(error instanceof NotFoundError) || span?.version === undefined) throw error;
      throw new StorageError(`${key} of the store is another one by now, or gone (gs://${this.#name}).`, {
        cause: error,
        details: { bucket: this.#name, key, version: span.version },
      });
    }
  }

  /** `undefined` when there is no such object. */
  head(key: string): Promise<ObjectInfo | undefined> {
    return this.#ask('read', key, async () => {
      try {
        const [metadata] = await this.#bucket.file(key).getMetadata();
        return infoOf(key, metadata);
      } catch (error) {
        if (gcsStatus(error) === 404) return undefined;
        throw error;
      }
    });
  }

  async put(key: string, body: ObjectBody, { contentType }: PutOptions): Promise<void> {
    await this.#ask('write', key, () => this.#upload(key, body, { contentType }));
  }

  /** Sends the sections' bytes one after the other: Cloud Storage composes whole objects only, no spans of them. */
  async compose(
    key: string,
    sections: readonly Section[],
    { contentType, signal }: ComposeOptions,
  ): Promise<void> {
    await this.#ask('write', key, () => this.#send(key, readSections(sections, signal), { contentType }));
  }

  /** @returns whether it wrote */
  putIfAbsent(key: string, body: ObjectBody, { contentType }: PutOptions): Promise<boolean> {
    const writeId = randomUUID();
    return this.#ask('write', key, async () => {
      // Cloud Storage looks at the condition when the last chunk is there.
      if ((await sizeOf(body)) > CHUNK_BYTES && (await this.head(key))) return false;
      try {
        await this.#upload(key, body, { contentType, writeId });
        return true;
      } catch (error) {
        if (gcsStatus(error) !== 412) throw error;
        // An attempt before may have written, and only its answer was lost.
        const [{ metadata }] = await this.#bucket.file(key).getMetadata();
        return metadata?.[WRITE_ID] === writeId;
      }
    });
  }

  /** In the order of the keys' UTF-8 bytes. */
  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let query: object | null = { prefix, autoPaginate: false };
    while (query) {
      const asked: object = query;
      const [files, next] = await this.#ask('list', prefix, () => this.#bucket.getFiles(asked));
      for (const { name, metadata } of files) yield infoOf(name, metadata);
      query = next ? { ...next, autoPaginate: false } : null;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#ask('delete', key, () => this.#bucket.file(key).delete({ ignoreNotFound: true }));
  }

  /** Writes an object over itself, which copies no bytes and makes its age begin anew. */
  async touch(key: string): Promise<void> {
    await this.#ask('write', key, async () => {
      const file = this.#bucket.file(key);
      await file.copy(file).catch((error: unknown) => {
        if (gcsStatus(error) !== 404) throw error;
      });
    });
  }

  /** @throws as signAddress */
  presign(key: string, seconds: number): Promise<string> {
    return signAddress(this.#bucket, key, seconds);
  }

  async #upload(key: string, body: ObjectBody, asked: Upload): Promise<void> {
    const source = typeof body === 'object' && 'file' in body ? body.file : undefined;
    if ((await sizeOf(body)) <= CHUNK_BYTES) {
      const bytes = source === undefined ? (body as Uint8Array | string) : await readFile(source);
      await this.#bucket.file(key).save(bytes as Buffer, { ...writeOptions(asked), resumable: false });
      return;
    }
    await this.#send(key, source === undefined ? [body as Uint8Array] : createReadStream(source), asked);
  }

  /** Sends bytes in chunks; the object appears with the last one. */
  async #send(
    key: string,
    bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    asked: Upload,
  ): Promise<void> {
    const chunks = { resumable: true, chunkSize: CHUNK_BYTES };
    await pipeline(bytes, this.#bucket.file(key).createWriteStream({ ...writeOptions(asked), ...chunks }));
  }

  /** Without credentials the library would ask as nobody. @throws CredentialsError, StorageError */
  async #authorize(): Promise<void> {
    const { customEndpoint, authClient } = this.#bucket.storage;
    if (customEndpoint) return;
    this.#authorized ??= authClient.getAccessToken();
    try {
      await this.#authorized;
    } catch (cause) {
      this.#authorized = undefined;
      if (isTransientAuthError(cause)) {
        throw new StorageError(`There is no token for Cloud Storage for now: ${(cause as Error).message}`, {
          cause,
        });
      }
      throw new CredentialsError(
        'There are no credentials for Cloud Storage. Log in with: gcloud auth application-default login',
        { cause },
      );
    }
  }

  async #ask<T>(action: GcsRequest['action'], key: string, work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      await this.#authorize();
      return await work();
    } catch (error) {
      const wentAway = action === 'write' && gcsStatus(error) === 404 && (await this.#isThere());
      throw toStoreError(error, { action, bucket: this.#name, key, since, wentAway });
    }
  }

  /** Asked by a list: whoever writes objects may not look at the bucket itself. */
  async #isThere(): Promise<boolean> {
    return this.#bucket.getFiles({ maxResults: 1, autoPaginate: false }).then(
      () => true,
      (error: unknown) => gcsStatus(error) !== 404,
    );
  }
}

function writeOptions({ contentType, writeId }: Upload) {
  return {
    // The library would guess one by the key's ending, and load a table for that.
    contentType: contentType ?? 'application/octet-stream',
    validation: 'crc32c',
    ...(writeId === undefined
      ? {}
      : { metadata: { metadata: { [WRITE_ID]: writeId } }, preconditionOpts: { ifGenerationMatch: 0 } }),
  };
}

function infoOf(key: string, { size = 0, updated, generation }: FileMetadata): ObjectInfo {
  return {
    key,
    size: Number(size),
    modified: new Date(updated ?? 0),
    version: generation === undefined ? undefined : String(generation),
  };
}
