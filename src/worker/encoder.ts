import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { codecTraits } from '../types/codecs.ts';
import { toRational } from '../types/fps.ts';
import { EncoderError } from '../utils/errors.ts';
import { startFfmpeg } from '../utils/ffmpeg.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { type SegmentArgs, segmentArgs } from './encoder-args.ts';
import { matroskaHeader, matroskaPictureHead } from './matroska.ts';
import type { Picture } from './picture.ts';

export interface EncoderOptions extends SegmentArgs {
  /** Of the pictures, in pixels. */
  readonly pictureSize: SegmentArgs['size'];
  readonly signal?: AbortSignal | undefined;
}

interface Sink {
  readonly input: Writable;
  readonly done: Promise<void>;
  abort(): void;
}

function fileSink(file: string): Sink {
  const input = createWriteStream(file);
  const done = finished(input).catch((error: unknown) => {
    throw toWriteError(error, file);
  });
  done.catch(() => {});
  return { input, done, abort: () => input.destroy() };
}

/**
 * Writes pictures into a segment, in the order of their frames. A frame that is left out shows the picture of
 * the frame before.
 */
export class Encoder {
  readonly #options: EncoderOptions;
  readonly #sink: Sink;
  readonly #copies: boolean;
  #last: Picture | undefined;
  #next = 0;
  #written = -1;
  #over = false;
  #wake: () => void = () => {};

  constructor(options: EncoderOptions) {
    this.#options = options;
    const { encoding, pictures, pictureSize, file, signal } = options;
    this.#copies = codecTraits[encoding.codec].pictures !== undefined;
    if (this.#copies) this.#sink = fileSink(file);
    else {
      const ffmpeg = startFfmpeg(segmentArgs(options), { signal });
      ffmpeg.stdout.resume();
      this.#sink = { input: ffmpeg.stdin, done: ffmpeg.done, abort: ffmpeg.kill };
    }
    const stream = { format: pictures, ...pictureSize, frameMicroseconds: this.#microseconds(1) };
    this.#sink.input.write(matroskaHeader(stream));
    const onOver = () => {
      this.#over = true;
      this.#wake();
    };
    this.#sink.done.then(onOver, onOver);
  }

  /**
   * Adds a frame.
   * @param picture `undefined` when it is that of the frame before; its bytes must stay until the next one is written
   */
  async write(picture: Picture | undefined): Promise<void> {
    const frame = this.#next++;
    if (picture) this.#last = picture;
    if (picture || this.#copies) await this.#send(frame);
  }

  /** Ends the segment; it is whole when this resolves. */
  async finish(): Promise<void> {
    if (this.#written !== this.#next - 1) await this.#send(this.#next - 1);
    this.#sink.input.end();
    await this.#sink.done;
  }

  /** Ends at once; the file is of no use. */
  async abort(): Promise<void> {
    this.#sink.abort();
    await this.#sink.done.catch(() => {});
  }

  async #send(frame: number): Promise<void> {
    if (!this.#last) throw new RangeError('the first frame of a segment needs a picture');
    const { input } = this.#sink;
    const { bytes } = this.#last;
    input.write(matroskaPictureHead(Math.round(this.#microseconds(frame)), bytes.length));
    this.#written = frame;
    // Until its callback a stream may hold the bytes themselves, also when it would take more.
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      input.write(bytes, () => resolve());
      if (this.#over) resolve();
    });
    // A broken pipe says nothing; why the encoder ended does.
    if (!this.#over) return;
    await this.#sink.done;
    throw new EncoderError('The encoder ended before the last frame.');
  }

  #microseconds(frames: number): number {
    const { num, den } = toRational(this.#options.fps);
    return (frames * den * 1e6) / num;
  }
}
