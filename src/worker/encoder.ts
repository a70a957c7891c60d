import { createWriteStream } from 'node:fs';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { codecTraits } from '../types/codecs.ts';
import { toRational } from '../types/fps.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { freeBytes } from '../utils/disk-space.ts';
import { EncoderError } from '../utils/errors.ts';
import { pacingArgs, startFfmpeg } from '../utils/ffmpeg.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { UnknownLayout } from '../utils/mp4/boxes.ts';
import { keyframeIntervalOf, leavesGaps, type SegmentArgs, segmentArgs } from './encoder-args.ts';
import { fillGaps } from './fill-gaps.ts';
import { matroskaHeader, matroskaPictureHead } from './matroska.ts';
import type { Picture } from './picture.ts';

export interface EncoderOptions extends Omit<SegmentArgs, 'pacing'> {
  /** Of the pictures, in pixels. */
  readonly pictureSize: SegmentArgs['size'];
  readonly signal?: AbortSignal | undefined;
}

/**
 * How often the encoder is given a picture that stays, after its first frame. More of them make files larger by 7 to
 * 13 %, and the SSIM better by 0.0001 to 0.0005 (docs/performance.md).
 */
const SETTLING_FRAMES = 2;
/** What FFmpeg writes to a file at the end is less. */
const TAIL_BYTES = 1024 ** 2;
const NO_ROOM = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

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
  readonly #options: EncoderOptions & SegmentArgs;
  readonly #sink: Sink;
  readonly #copies: boolean;
  /** Frames after which a picture is given to the encoder anew; `undefined` when it is given all that changes. */
  readonly #interval: number | undefined;
  /** Frames since the picture came, or since a key frame. */
  #age = 0;
  /** Ends when all that was given to the encoder is on its way. */
  #sent: Promise<void> = Promise.resolve();
  #last: Picture | undefined;
  #next = 0;
  #written = -1;
  #over = false;
  #wake: () => void = () => {};
  readonly #stop = new AbortController();
  #filling: Promise<void> | undefined;

  private constructor(options: EncoderOptions & SegmentArgs) {
    this.#options = options;
    const { encoding, pictures, pictureSize, file, signal } = options;
    this.#copies = codecTraits[encoding.codec].pictures !== undefined;
    if (leavesGaps(encoding)) this.#interval = keyframeIntervalOf(encoding, options.fps);
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

  static async open(options: EncoderOptions): Promise<Encoder> {
    const pacing = leavesGaps(options.encoding) ? await pacingArgs('vfr') : [];
    return new Encoder({ ...options, pacing });
  }

  /**
   * Adds a frame. Resolves when the bytes of all pictures before are free, and those of the last one only to be kept
   * until another follows.
   * @param picture `undefined` when it is that of the frame before
   */
  async write(picture: Picture | undefined): Promise<void> {
    const frame = this.#next++;
    this.#age = picture || (this.#interval && frame % this.#interval === 0) ? 0 : this.#age + 1;
    const isWanted = this.#interval ? this.#age <= SETTLING_FRAMES : picture !== undefined;
    if (picture) await this.#sent;
    this.#last = picture ?? this.#last;
    if (isWanted || this.#copies) this.#send(frame);
    if (picture) await this.#sent;
  }

  /** Ends the segment; it is whole when this resolves. */
  async finish(): Promise<void> {
    if (this.#written !== this.#next - 1) this.#send(this.#next - 1);
    await this.#sent;
    this.#sink.input.end();
    await this.#sink.done;
    if (!this.#interval) return;
    this.#filling = this.#fillGaps();
    await this.#filling;
  }

  /** Ends at once; the file is of no use. */
  async abort(): Promise<void> {
    this.#stop.abort();
    this.#sink.abort();
    await this.#sink.done.catch(() => {});
    await this.#filling?.catch(() => {});
  }

  async #fillGaps(): Promise<void> {
    const { file, fps, signal } = this.#options;
    const { num, den } = toRational(fps);
    const stop = AbortSignal.any([this.#stop.signal, ...(signal ? [signal] : [])]);
    try {
      await fillGaps(file, [den, num], stop);
    } catch (error) {
      throwIfAborted(stop);
      if (!(error instanceof UnknownLayout)) throw toWriteError(error, file);
      // FFmpeg can end well although the last of its file did not find room.
      if ((await freeBytes(path.dirname(file))) < TAIL_BYTES) throw toWriteError(NO_ROOM, file);
      throw new EncoderError(
        `FFmpeg made another H.264 than was asked of it (${error.message}). Set FFMPEG_PATH to one with x264, or take it out; or name a preset in encoding.preset.`,
        { cause: error, details: { reason: error.message } },
      );
    }
  }

  #send(frame: number): void {
    if (!this.#last) throw new RangeError('the first frame of a segment needs a picture');
    const { bytes } = this.#last;
    this.#written = frame;
    this.#sent = this.#sent.then(() => this.#put(frame, bytes));
    this.#sent.catch(() => {});
  }

  async #put(frame: number, bytes: Buffer): Promise<void> {
    const { input } = this.#sink;
    input.write(matroskaPictureHead(Math.round(this.#microseconds(frame)), bytes.length));
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
