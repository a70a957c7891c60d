import { CHANNELS, SAMPLE_RATE } from './audio-timeline.ts';

/** Blocks of any length of 48 kHz stereo, left and right in turn, ±1 is full scale. Not to be written to. */
export type PcmStream = AsyncGenerator<Float32Array, void, undefined>;

const BYTES_PER_SAMPLE = CHANNELS * Float32Array.BYTES_PER_ELEMENT;
/** Loops up to this long stay in memory: 23 MB. */
const KEPT_VALUES = 60 * SAMPLE_RATE * CHANNELS;

/** Raw 32-bit floats, as FFmpeg's `f32le` writes them, cut at whole samples. */
export async function* readPcm(bytes: AsyncIterable<Buffer>): PcmStream {
  let rest = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const whole = all.length - (all.length % BYTES_PER_SAMPLE);
    if (whole > 0) yield new Float32Array(all.buffer.slice(all.byteOffset, all.byteOffset + whole));
    rest = Buffer.from(all.subarray(whole));
  }
}

/** The bytes of the floats, without copying. */
export function toBytes(pcm: Float32Array): Uint8Array {
  return new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
}

function concat(blocks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(blocks.reduce((length, block) => length + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

/** Leaves out the first samples. */
export async function* skipPcm(pcm: PcmStream, samples: number): PcmStream {
  let skip = samples * CHANNELS;
  for await (const block of pcm) {
    if (skip < block.length) yield block.subarray(skip);
    skip = Math.max(0, skip - block.length);
  }
}

/**
 * A sound again and again, without end and without a gap, from a sample of its first pass on. A short one is
 * decoded once and kept, a long one is decoded for each pass. A sound of no samples stays silent and ends.
 */
export async function* repeatPcm(decode: () => PcmStream, fromSample: number): PcmStream {
  let skip = fromSample * CHANNELS;
  let kept: Float32Array[] | undefined = [];
  for (;;) {
    let length = 0;
    for await (const block of decode()) {
      length += block.length;
      if (length > KEPT_VALUES) kept = undefined;
      kept?.push(block);
      if (skip < block.length) yield block.subarray(skip);
      skip = Math.max(0, skip - block.length);
    }
    if (length === 0) return;
    skip %= length;
    if (kept) yield* repeatKept(concat(kept), skip);
  }
}

function* repeatKept(pass: Float32Array, skip: number): Generator<Float32Array, never, undefined> {
  let block = pass;
  while (block.length < SAMPLE_RATE) block = concat([block, block]);
  yield block.subarray(skip);
  for (;;) yield block;
}

/** How many samples a sound has, up to a limit at which it is no longer read. */
export async function countSamples(pcm: PcmStream, limit: number): Promise<number> {
  let values = 0;
  for await (const block of pcm) {
    values += block.length;
    if (values >= limit * CHANNELS) break;
  }
  return Math.min(limit, values / CHANNELS);
}

/** Reads a stream in pieces of the reader's choice. */
export class PcmReader {
  readonly #pcm: PcmStream;
  #block: Float32Array = new Float32Array(0);

  constructor(pcm: PcmStream) {
    this.#pcm = pcm;
  }

  /** The next samples, one at least and `limit` at most; empty when the stream has ended. */
  async read(limit: number): Promise<Float32Array> {
    if (this.#block.length === 0) {
      const next = await this.#pcm.next();
      if (next.done) return this.#block;
      this.#block = next.value;
    }
    const piece = this.#block.subarray(0, limit * CHANNELS);
    this.#block = this.#block.subarray(piece.length);
    return piece;
  }

  async close(): Promise<void> {
    await this.#pcm.return();
  }
}
