import { Readable } from 'node:stream';
import { NotFoundError } from '../utils/errors.ts';
import { assertSafePrefix, assertSafeRelativePath } from '../utils/paths.ts';
import { parseBucketAddress } from './bucket-address.ts';
import type { GcsBucket } from './gcs-bucket.ts';
import type {
  ByteSpan,
  ComposeOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  Section,
} from './object-store.ts';
import { readResuming } from './read-resuming.ts';

export interface GcsTiming {
  /** Seconds from a request's first attempt in which a failed one is sent again. @default 60 */
  readonly retrySeconds: number;
}

/**
 * A store in a bucket of Google Cloud Storage, or below a prefix of it. Credentials come from the application
 * default credentials, the endpoint of an emulator from `STORAGE_EMULATOR_HOST`; the client is loaded at the first
 * request. What Cloud Storage keeps has a CRC-32C that is checked on the way there, and on the way back when the
 * object comes in one piece.
 *
 * Its requests throw StorageError (to be tried again), StoreAddressError, AccessDeniedError, CredentialsError.
 */
export class GcsStore implements ObjectStore {
  readonly url: string;
  readonly copiesSpans = false;
  readonly #name: string;
  readonly #prefix: string;
  readonly #timing: GcsTiming;
  #loading: Promise<GcsBucket> | undefined;

  /** @param url `gs://bucket` or `gs://bucket/prefix` @throws StoreAddressError, UnsafePathError */
  constructor(url: string, { retrySeconds = 60 }: Partial<GcsTiming> = {}) {
    const { bucket, prefix } = parseBucketAddress('gs', url);
    this.url = `gs://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#name = bucket;
    this.#prefix = prefix;
    this.#timing = { retrySeconds };
  }

  /** A stream that breaks is taken up again where it broke; what can't be is a StorageError of the stream. */
  async get(key: string, span?: ByteSpan): Promise<Readable> {
    const full = this.#key(key);
    const bucket = await this.#bucket();
    if (span && span.start >= span.end) return Readable.from([]);
    const first = await bucket.get(full, span).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error;
      throw new NotFoundError(`The store has no ${key} (${this.url}).`, {
        cause: error,
        details: { key, store: this.url },
      });
    });
    return readResuming(bucket, full, first, span?.start);
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    const full = this.#key(key);
    await (await this.#bucket()).put(full, body, options);
  }

  async compose(key: string, sections: readonly Section[], options: ComposeOptions = {}): Promise<void> {
    const full = this.#key(key);
    await (await this.#bucket()).compose(full, sections, options);
  }

  async putIfAbsent(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    const full = this.#key(key);
    return (await this.#bucket()).putIfAbsent(full, body, options);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const full = this.#key(key);
    const info = await (await this.#bucket()).head(full);
    return info && { ...info, key };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const full = this.#prefix + assertSafePrefix(prefix);
    for await (const info of (await this.#bucket()).list(full)) {
      // The console marks an empty folder by an object whose key ends so.
      if (!info.key.endsWith('/')) yield { ...info, key: info.key.slice(this.#prefix.length) };
    }
  }

  async delete(key: string): Promise<void> {
    const full = this.#key(key);
    await (await this.#bucket()).delete(full);
  }

  async touch(key: string): Promise<void> {
    const full = this.#key(key);
    await (await this.#bucket()).touch(full);
  }

  /** @param seconds 1–604800 @throws as signAddress of gcs-signing.ts */
  async presign(key: string, seconds: number): Promise<string> {
    const full = this.#key(key);
    return (await this.#bucket()).presign(full, seconds);
  }

  localPath(): undefined {
    return undefined;
  }

  #key(key: string): string {
    return this.#prefix + assertSafeRelativePath(key);
  }

  #bucket(): Promise<GcsBucket> {
    this.#loading ??= import('./gcs-bucket.ts').then((module) =>
      module.GcsBucket.open(this.#name, this.#timing),
    );
    this.#loading.catch(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }
}
