import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { NotFoundError, StorageError, StoreAddressError } from '../utils/errors.ts';
import {
  type ByteSpan,
  type ComposeOptions,
  type ObjectBody,
  type ObjectInfo,
  type PutOptions,
  type Section,
  type StoredSpan,
  sizeOf,
} from './object-store.ts';
import { type ContentSource, type ObjectContent, readResuming } from './read-resuming.ts';
import { composeParts, copySource } from './s3-compose.ts';
import { type S3Request, s3Attempts, s3Status, toStoreError } from './s3-errors.ts';
import { MAX_PARTS, planParts } from './s3-parts.ts';
import { refusedRead } from './s3-refused-read.ts';
import { TimedRetry } from './s3-retry.ts';
import type { S3Timing } from './s3-store.ts';

/** Larger bodies go in parts of this size, four at a time: 32 MiB of memory for an upload of any length. */
const PART_BYTES = 8 * 1024 ** 2;
/** Bodies with a digest go in one request up to here, held in memory. */
const MAX_CHECKED_BYTES = 64 * 1024 ** 2;
const MAX_CONFLICTS = 8;
/** HTTP status of a span that begins beyond an object's end. */
const BEYOND_THE_END = 416;
/** Name of the metadata by which a write knows its own object again. */
const WRITE_ID = 'helios-write';

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;

/** Requests to one bucket by whole keys, their errors typed. */
export class S3Bucket implements ContentSource {
  readonly #client: S3Client;
  readonly #name: string;

  constructor(name: string, { idleSeconds, retrySeconds }: S3Timing) {
    this.#name = name;
    this.#client = new S3Client({
      forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL),
      retryStrategy: new TimedRetry(retrySeconds),
      requestHandler: new NodeHttpHandler({
        connectionTimeout: Math.min(5, idleSeconds) * 1000,
        socketTimeout: idleSeconds * 1000,
        httpAgent: { keepAlive: true, maxSockets: 64 },
        httpsAgent: { keepAlive: true, maxSockets: 64 },
      }),
    });
  }

  /** @throws NotFoundError; StorageError when it is of another version */
  get(key: string, span?: ByteSpan): Promise<ObjectContent> {
    return this.#ask('read', key, async () => {
      const { start = 0 } = span ?? {};
      const part = span ? { Range: `bytes=${start}-${span.end - 1}`, IfMatch: span.version } : {};
      const { Body, ContentLength, ETag } = await this.#client
        .send(new GetObjectCommand({ Bucket: this.#name, Key: key, ...part }))
        .catch(async (cause: unknown) => {
          if (s3Status(cause) === BEYOND_THE_END)
            return { Body: Readable.from([]), ContentLength: 0, ETag: undefined };
          if (!isNamed(cause, 'AccessDenied')) throw cause;
          throw await refusedRead(this.#client, { bucket: this.#name, key, cause });
        });
      if (!Body || ContentLength === undefined) throw new StorageError(`S3 sent no bytes of ${key}.`);
      // An answer may break off before anybody reads it; who reads it then is told.
      const body = (Body as Readable).on('error', () => {});
      return { body, end: start + ContentLength, version: ETag };
    });
  }

  /** `undefined` when there is no such object. */
  head(key: string): Promise<ObjectInfo | undefined> {
    return this.#ask('read', key, async () => {
      try {
        return await this.#info(key);
      } catch (error) {
        if (s3Status(error) === 404) return undefined;
        if (s3Status(error) !== 400 && s3Status(error) !== 403) throw error;
      }
      // The answer to a HEAD has no body to say why; that to a GET has. A clock may have been wrong until then.
      try {
        (await this.get(key)).body.destroy();
      } catch (error) {
        if (error instanceof NotFoundError) return undefined;
        throw error;
      }
      return this.#info(key);
    });
  }

  async #info(key: string): Promise<ObjectInfo> {
    const { ContentLength = 0, LastModified = new Date(0), ETag, ChecksumSHA256 } = await this.#head(key);
    // That of an object in parts is a digest of their digests.
    const whole = ChecksumSHA256?.includes('-') ? undefined : ChecksumSHA256;
    return {
      key,
      size: ContentLength,
      modified: LastModified,
      version: ETag,
      sha256: whole && Buffer.from(whole, 'base64').toString('hex'),
    };
  }

  async put(key: string, body: ObjectBody, { contentType, sha256 }: PutOptions): Promise<void> {
    const input = { ContentType: contentType, ...(await this.#checksumOf(body, sha256)) };
    await this.#ask('write', key, () => this.#upload(key, body, input, randomUUID()));
  }

  /** Puts an object together from sections whose keys are whole. */
  compose(key: string, sections: readonly Section[], { contentType, signal }: ComposeOptions): Promise<void> {
    const writeId = randomUUID();
    const input = {
      Bucket: this.#name,
      Key: key,
      ContentType: contentType,
      Metadata: { [WRITE_ID]: writeId },
    };
    const read = (span: StoredSpan) => this.#read(span);
    return this.#ask('write', key, async () => {
      try {
        await composeParts({ client: this.#client, input, parts: planParts(sections), read, signal });
      } catch (error) {
        if (!isNamed(error, 'NoSuchUpload') || !(await this.#wroteBefore(error, key, writeId))) throw error;
      }
    });
  }

  async *#read(span: StoredSpan): AsyncGenerator<Uint8Array> {
    yield* readResuming(this, span.key, await this.get(span.key, span), span.start);
  }

  /** @returns whether it wrote */
  putIfAbsent(key: string, body: ObjectBody, { contentType }: PutOptions): Promise<boolean> {
    const writeId = randomUUID();
    const input = { ContentType: contentType, IfNoneMatch: '*' };
    return this.#ask('write', key, async () => {
      // S3 looks at the condition when the last part is there.
      if ((await sizeOf(body)) > PART_BYTES && (await this.head(key))) return false;
      for (let conflicts = 0; ; ) {
        try {
          await this.#upload(key, body, input, writeId);
          return true;
        } catch (error) {
          if (s3Status(error) === 412) return this.#wroteBefore(error, key, writeId);
          if (!isNamed(error, 'ConditionalRequestConflict') || ++conflicts === MAX_CONFLICTS) throw error;
          await sleep(Math.random() * 100 * 2 ** conflicts);
        }
      }
    });
  }

  /** In the order of the keys' UTF-8 bytes. */
  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#name, Prefix: prefix });
    const iterator = pages[Symbol.asyncIterator]();
    for (;;) {
      const page = await this.#ask('list', prefix, () => iterator.next());
      if (page.done) return;
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.value.Contents ?? [])
        yield { key: Key, size: Size, modified: LastModified };
    }
  }

  async delete(key: string): Promise<void> {
    await this.#ask('delete', key, () =>
      this.#client.send(new DeleteObjectCommand({ Bucket: this.#name, Key: key })),
    );
  }

  /** Copies an object onto itself, which S3 takes for a new one; above 5 GB it does not. */
  async touch(key: string): Promise<void> {
    await this.#ask('write', key, async () => {
      try {
        const { ContentType, Metadata } = await this.#head(key);
        const source = copySource(this.#name, key);
        const kept = { ContentType, Metadata, MetadataDirective: 'REPLACE' } as const;
        await this.#client.send(
          new CopyObjectCommand({ Bucket: this.#name, Key: key, CopySource: source, ...kept }),
        );
      } catch (error) {
        if (s3Status(error) !== 404) throw error;
      }
    });
  }

  presign(key: string, seconds: number): Promise<string> {
    return this.#ask('read', key, () =>
      getSignedUrl(this.#client, new GetObjectCommand({ Bucket: this.#name, Key: key }), {
        expiresIn: seconds,
      }),
    );
  }

  #head(key: string) {
    return this.#client.send(
      new HeadObjectCommand({ Bucket: this.#name, Key: key, ChecksumMode: 'ENABLED' }),
    );
  }

  /** S3 reckons the digest of a whole object only when that comes in one request. */
  async #checksumOf(body: ObjectBody, sha256: string | undefined): Promise<Partial<PutObjectCommandInput>> {
    if (sha256 === undefined || (await sizeOf(body)) > MAX_CHECKED_BYTES) return {};
    return { ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') };
  }

  /** Whether an earlier attempt of a failed write had written, and only its answer was lost. */
  async #wroteBefore(error: unknown, key: string, writeId: string): Promise<boolean> {
    if (s3Attempts(error) < 2) return false;
    const found = await this.#head(key).catch((cause: unknown) => {
      // Who may not list is refused what is not there.
      if (s3Status(cause) !== 404 && s3Status(cause) !== 403) throw cause;
    });
    return found?.Metadata?.[WRITE_ID] === writeId;
  }

  async #upload(
    key: string,
    body: ObjectBody,
    input: Partial<PutObjectCommandInput>,
    writeId: string,
  ): Promise<void> {
    const params = { ...input, Bucket: this.#name, Key: key, Metadata: { [WRITE_ID]: writeId } };
    const size = await sizeOf(body);
    const file = typeof body === 'object' && 'file' in body ? body.file : undefined;
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body as Uint8Array);
    if (size <= PART_BYTES || input.ChecksumSHA256) {
      const whole = file === undefined ? bytes : await readFile(file);
      await this.#client.send(new PutObjectCommand({ ...params, Body: whole }));
      return;
    }
    const Body = file === undefined ? bytes : createReadStream(file);
    const partSize = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
    try {
      await new Upload({ client: this.#client, params: { ...params, Body }, partSize }).done();
    } catch (error) {
      if (!isNamed(error, 'NoSuchUpload') || !(await this.#wroteBefore(error, key, writeId))) throw error;
    }
  }

  async #ask<T>(action: S3Request['action'], key: string, work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      return await work();
    } catch (error) {
      await this.#client.config.region().catch((cause: unknown) => {
        throw new StoreAddressError('It is not known in which region to look. Set AWS_REGION.', { cause });
      });
      throw toStoreError(error, { action, bucket: this.#name, key, since });
    }
  }
}
