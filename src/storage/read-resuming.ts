import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StorageError } from '../utils/errors.ts';

const MAX_RESUMES = 8;

/** The bytes of an object, or the rest of them. */
export interface ObjectContent {
  readonly body: Readable;
  /** Bytes of the whole object. */
  readonly size: number;
  /** Names this state of the object; another one has other bytes. */
  readonly state: string | undefined;
}

/** Where objects are read from, by their whole keys. */
export interface ContentSource {
  /** @param from the first byte wanted, and the state it must be of */
  get(
    key: string,
    from?: { readonly offset: number; readonly state: string | undefined },
  ): Promise<ObjectContent>;
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
 * An object as a stream that is taken up again where it broke, up to 8 times.
 * @param first the answer to the request for the whole object
 * @throws StorageError, by the stream
 */
export function readResuming(bucket: ContentSource, key: string, first: ObjectContent): Readable {
  let content = first;
  const failed = (what: string, cause: unknown): StorageError =>
    new StorageError(`${key} of the store ${what}.`, { cause, details: { key, size: first.size } });
  async function* read(): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for (let resumes = 0; ; resumes++) {
      const chunks = untilBroken(content.body);
      let next = await chunks.next();
      for (; !next.done; next = await chunks.next()) {
        offset += next.value.length;
        yield next.value;
      }
      const cause = next.value;
      if (offset === first.size && !cause) return;
      if (offset >= first.size) throw failed('is damaged: its bytes are not those that were stored', cause);
      if (resumes === MAX_RESUMES) {
        throw failed(`broke off after ${offset} of ${first.size} bytes, ${resumes + 1} times`, cause);
      }
      await sleep(Math.random() * 50 * 2 ** resumes);
      content = await bucket.get(key, { offset, state: first.state });
    }
  }
  return Readable.from(read(), { objectMode: false }).once('close', () => content.body.destroy());
}
