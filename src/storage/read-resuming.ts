import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorageError } from '../utils/errors.ts';
import type { ByteSpan } from './object-store.ts';

const MAX_RESUMES = 8;

/** The bytes of an object, or a span of them. */
export interface ObjectContent {
  readonly body: Readable;
  /** Where in the object they end. */
  readonly end: number;
  /** The version that they are of. */
  readonly version: string | undefined;
}

/** Where objects are read from, by their whole keys. */
export interface ContentSource {
  /** @param span what of it; @default all */
  get(key: string, span?: ByteSpan): Promise<ObjectContent>;
}

/** The chunks of a body until its end, or until it breaks; then returns why. */
async function* untilBroken(body: Readable): AsyncGenerator<Uint8Array, unknown> {
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await chunks.next();
    } catch (error) {
      return error;
    }
    if (next.done) return undefined;
    yield next.value;
  }
}

/**
 * An object, or a span of it, as a stream that is taken up again where it broke, up to 8 times.
 * @param first the answer to the request for it
 * @param start its first byte in the object
 * @throws StorageError, by the stream
 */
export function readResuming(source: ContentSource, key: string, first: ObjectContent, start = 0): Readable {
  let content = first;
  const failed = (what: string, cause: unknown): StorageError =>
    new StorageError(`${key} of the store ${what}.`, { cause, details: { key, size: first.end } });
  async function* read(): AsyncGenerator<Uint8Array> {
    let offset = start;
    for (let resumes = 0; ; resumes++) {
      const chunks = untilBroken(content.body);
      let next = await chunks.next();
      for (; !next.done; next = await chunks.next()) {
        offset += next.value.length;
        yield next.value;
      }
      const cause = next.value;
      if (offset === first.end && !cause) return;
      if (offset >= first.end) throw failed('is damaged: its bytes are not those that were stored', cause);
      if (resumes === MAX_RESUMES) {
        throw failed(`broke off after ${offset} of ${first.end} bytes, ${resumes + 1} times`, cause);
      }
      await sleep(Math.random() * 50 * 2 ** resumes);
      content = await source.get(key, { start: offset, end: first.end, version: first.version });
    }
  }
  return Readable.from(read(), { objectMode: false }).once('close', () => content.body.destroy());
}
