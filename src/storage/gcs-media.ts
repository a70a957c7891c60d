import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { CRC32C, type Storage } from '@google-cloud/storage';
import { StorageError } from '../utils/errors.ts';
import type { ByteSpan } from './object-store.ts';
import type { ObjectContent } from './read-resuming.ts';

/** HTTP status of a span that begins beyond an object's end. */
const BEYOND_THE_END = 416;

/** An answer that is no success, as the client's own errors are. */
export class MediaError extends Error {
  readonly code: number;

  constructor(status: number, text: string) {
    super(text);
    this.code = status;
  }
}

export interface MediaRequest {
  readonly bucket: string;
  readonly key: string;
  /** Its version is a generation. @default all of the newest */
  readonly span: ByteSpan | undefined;
}

/**
 * Asks for an object's bytes. The client's own stream would keep its connection when it is left before its end.
 * @throws MediaError, Error of the connection
 */
export async function readMedia(
  storage: Storage,
  { bucket, key, span }: MediaRequest,
): Promise<ObjectContent> {
  const url = new URL(
    `${storage.apiEndpoint}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(key)}`,
  );
  url.searchParams.set('alt', 'media');
  if (span?.version !== undefined) url.searchParams.set('generation', span.version);
  const headers = storage.customEndpoint ? new Headers() : await storage.authClient.getRequestHeaders();
  const { start = 0 } = span ?? {};
  if (span) headers.set('range', `bytes=${start}-${span.end - 1}`);
  const answer = await fetch(url, { headers });
  if (answer.status === BEYOND_THE_END) {
    await answer.body?.cancel();
    return { body: Readable.from([]), end: start, version: span?.version };
  }
  if (!answer.ok) throw new MediaError(answer.status, (await answer.text()).slice(0, 1000));
  const rest = Number(answer.headers.get('content-length') ?? 0);
  const version = answer.headers.get('x-goog-generation') ?? undefined;
  const expected = /crc32c=([^,]+)/.exec(answer.headers.get('x-goog-hash') ?? '')?.[1];
  const raw = answer.body ? Readable.fromWeb(answer.body as ReadableStream) : Readable.from([]);
  const body = !span && expected ? Readable.from(checked(raw, expected, key), { objectMode: false }) : raw;
  // An answer may break off before anybody reads it; who reads it then is told.
  raw.on('error', () => {});
  body.on('error', () => {}).once('close', () => raw.destroy());
  return { body, end: start + rest, version };
}

/** @throws StorageError, by the stream, when the bytes are not those that were stored */
async function* checked(body: Readable, expected: string, key: string): AsyncGenerator<Uint8Array> {
  const sum = new CRC32C();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sum.update(chunk);
    yield chunk;
  }
  if (sum.toString() !== expected)
    throw new StorageError(`${key} came with another CRC-32C than it was stored with.`);
}
