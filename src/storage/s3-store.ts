import { Readable } from 'node:stream';
import { NotFoundError } from '../utils/errors.ts';
import { assertSafePrefix, assertSafeRelativePath } from '../utils/paths.ts';
import { parseBucketAddress } from './bucket-address.ts';
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
import type { S3Bucket } from './s3-bucket.ts';

/** How long S3 is waited for. */
export interface S3Timing {
  /** Seconds without a byte on a connection until its request counts as failed. @default 20 */
  readonly idleSeconds: number;
  /** Seconds from a request's first attempt in which a failed one is sent again. @default 60 */
  readonly retrySeconds: number;
}

/**
 * A store in an S3 bucket, or below a prefix of it. Region, credentials and endpoint come from the usual chain
 * (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_S3` …); the SDK is loaded at the first request. What S3 keeps
 * has a CRC-32 that is checked on the way there and, for objects up to 8 MiB, on the way back.
 *
 * Its requests throw StorageError (to be tried again), StoreAddressError, AccessDeniedError, CredentialsError.
 */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly copiesSpans = true;
  readonly #name: string;
  readonly #prefix: string;
  readonly #timing: S3Timing;
  #loading: Promise<S3Bucket> | undefined;

  /** @param url `s3://bucket` or `s3://bucket/prefix` @throws StoreAddressError, UnsafePathError */
  constructor(url: string, { idleSeconds = 20, retrySeconds = 60 }: Partial<S3Timing> = {}) {
    const { bucket, prefix } = parseBucketAddress('s3', url);
    this.url = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    this.#name = bucket;
    this.#prefix = prefix;
    this.#timing = { idleSeconds, retrySeconds };
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
    const whole = sections.map((section) => ({
      length: section.length,
      open: () => section.open(),
      stored: section.stored?.map((span) => ({ ...span, key: this.#key(span.key) })),
    }));
    await (await this.#bucket()).compose(full, whole, options);
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

  #bucket(): Promise<S3Bucket> {
    this.#loading ??= import('./s3-bucket.ts').then(
      (module) => new module.S3Bucket(this.#name, this.#timing),
    );
    return this.#loading;
  }
}
