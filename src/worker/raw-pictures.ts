import { sha256 } from '../utils/digest.ts';
import { isRoundedFrom } from '../utils/rounding.ts';
import type { KeptFrame } from './capture.ts';
import type { Framebuffer, PixelSize } from './framebuffer.ts';
import type { Picture, RawFormat } from './picture.ts';
import { PICTURES_WASM } from './pictures-wasm.ts';
import { packPng, rowBytes } from './png.ts';

interface PicturesModule {
  readonly memory: WebAssembly.Memory;
  toI420(from: number, width: number, height: number, to: number): void;
  toRows(from: number, width: number, height: number, to: number): void;
  sums(from: number, bytes: number, to: number): void;
}

const PAGE_BYTES = 65_536;
const SYSTEM_PAGE_BYTES = 4_096;
/** At a time. */
const TOUCHED_BYTES = 1024 ** 2;
/** Of the module's memory: the sums come first. */
const SUMS_BYTES = 64;
const SLOTS = 3;
const PIXEL_BYTES = 4;
/** That may be overwritten behind a PNG's rows. */
const ROWS_PAD = 16;

const padded = (bytes: number): number => Math.ceil(bytes / SUMS_BYTES) * SUMS_BYTES;

let compiled: WebAssembly.Module | undefined;

/** Rows of a picture that are looked at again, evenly spread and other ones each time. */
const LOOKED_AT = 16;

/** Turns pictures of 4 bytes a pixel into what an encoder takes, and makes their digests. */
export class RawPictures {
  readonly #format: RawFormat;
  readonly #size: PixelSize;
  readonly #module: PicturesModule;
  /** Where pictures are read to, in turn. */
  readonly #sources: readonly [Buffer, Buffer];
  readonly #slots: readonly number[];
  readonly #bytes: number;
  readonly #rows: Uint8Array;
  readonly #row: Buffer;
  #packed: Promise<unknown> = Promise.resolve();
  #looks = 0;
  #free = 0;
  #turn = 0;

  /** @param size pixels; for `i420` even, and 8 wide at least */
  constructor(size: PixelSize, format: RawFormat) {
    this.#format = format;
    this.#size = size;
    const { width, height } = size;
    const pixels = width * height;
    this.#row = Buffer.alloc(width * PIXEL_BYTES);
    this.#bytes = format === 'i420' ? pixels * 1.5 : pixels * 4;
    compiled ??= new WebAssembly.Module(Buffer.from(PICTURES_WASM, 'base64'));
    this.#module = new WebAssembly.Instance(compiled).exports as unknown as PicturesModule;
    const sourceBytes = padded(pixels * PIXEL_BYTES);
    const slots = SUMS_BYTES + 2 * sourceBytes;
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => slots + slot * padded(this.#bytes));
    const rows = slots + SLOTS * padded(this.#bytes);
    const end = rows + rowBytes(size) + ROWS_PAD;
    const { memory } = this.#module;
    memory.grow(Math.ceil(end / PAGE_BYTES) - 1);
    this.#rows = new Uint8Array(memory.buffer, rows, rowBytes(size));
    const source = (turn: number) =>
      Buffer.from(memory.buffer, SUMS_BYTES + turn * sourceBytes, pixels * PIXEL_BYTES);
    this.#sources = [source(0), source(1)];
  }

  /** Has the system give it its memory before it is needed, little by little. */
  async touch(): Promise<void> {
    const bytes = new Uint8Array(this.#module.memory.buffer);
    for (let at = 0; at < bytes.length; at += SYSTEM_PAGE_BYTES) {
      bytes[at] = bytes[at] as number;
      if (at % TOUCHED_BYTES === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Whether it is made for such pictures. */
  isFor({ width, height }: PixelSize, format: RawFormat): boolean {
    return width === this.#size.width && height === this.#size.height && format === this.#format;
  }

  /** Reads the next picture. @returns whether it is another one than that which was read before */
  read(framebuffer: Pick<Framebuffer, 'read'>): boolean {
    this.#turn = 1 - this.#turn;
    const [one, other] = this.#sources;
    framebuffer.read(this.#turn === 0 ? one : other);
    return !one.equals(other);
  }

  /** The pixels that were read last, 4 bytes each; until the next but one is read. */
  get source(): Buffer {
    return this.#sources[this.#turn] as Buffer;
  }

  /**
   * The picture that was read last. Its bytes stay as they are until the third one that differs after it, or `shows`
   * after the second.
   * @param last the picture before; when the new one is the same, it counts for nothing
   */
  take(last: Picture | undefined): Picture {
    const { memory, toI420, sums } = this.#module;
    const at = this.#slots[this.#free] as number;
    const { source } = this;
    if (this.#format === 'i420') toI420(source.byteOffset, this.#size.width, this.#size.height, at);
    else source.copy(new Uint8Array(memory.buffer), at);
    sums(at, padded(this.#bytes), 0);
    const digest = sha256(new Uint8Array(memory.buffer, 0, SUMS_BYTES));
    if (digest === last?.digest) return last;
    this.#free = (this.#free + 1) % SLOTS;
    return { format: this.#format, bytes: Buffer.from(memory.buffer, at, this.#bytes), digest };
  }

  /** Whether the memory has the picture that was read last still, in some of its rows. */
  isStill(framebuffer: Pick<Framebuffer, 'readRow'>): boolean {
    const { source } = this;
    const { width, height } = this.#size;
    const bytes = width * PIXEL_BYTES;
    const step = Math.max(1, Math.floor(height / LOOKED_AT));
    for (let row = this.#looks++ % step; row < height; row += step) {
      framebuffer.readRow(this.#row, row);
      if (this.#row.compare(source, row * bytes, (row + 1) * bytes) !== 0) return false;
    }
    return true;
  }

  /** Keeps the picture that was read last; the next one may be read as soon as this resolves. */
  async keep(): Promise<KeptFrame> {
    // Its rows are where these will be.
    await this.#packed;
    const { width, height } = this.#size;
    const { source } = this;
    this.#module.toRows(source.byteOffset, width, height, this.#rows.byteOffset);
    const png = packPng(this.#rows, this.#size);
    this.#packed = png.catch(() => {});
    return { png };
  }

  /** Whether the picture that was read last is the given one, as it was taken last, up to a rounding. */
  shows(last: Picture): boolean {
    const free = this.#free;
    const { bytes, digest } = this.take(last);
    this.#free = free;
    return digest === last.digest || isRoundedFrom(bytes, last.bytes);
  }
}
