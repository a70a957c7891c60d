import { sha256 } from '../utils/digest.ts';
import type { Picture } from './picture.ts';
import { PICTURES_WASM } from './pictures-wasm.ts';

interface PicturesModule {
  readonly memory: WebAssembly.Memory;
  toI420(from: number, width: number, height: number, to: number): void;
  sums(from: number, bytes: number, to: number): void;
}

const PAGE_BYTES = 65_536;
/** Of the module's memory: the sums come first. */
const SUMS_BYTES = 64;
const SLOTS = 3;
/** Two pictures of one drawing differ by less, where Chromium rounds otherwise. */
const ROUNDING_LEVELS = 2;

const padded = (bytes: number): number => Math.ceil(bytes / SUMS_BYTES) * SUMS_BYTES;

let compiled: WebAssembly.Module | undefined;

/** Turns pictures of 4 bytes a pixel into what an encoder takes, and makes their digests. */
export class RawPictures {
  readonly #format: 'i420' | 'bgra';
  readonly #width: number;
  readonly #height: number;
  readonly #module: PicturesModule;
  readonly #source: number;
  readonly #slots: readonly number[];
  readonly #bytes: number;
  #free = 0;

  /** @param size pixels; for `i420` even, and 8 wide at least */
  constructor(
    { width, height }: { readonly width: number; readonly height: number },
    format: 'i420' | 'bgra',
  ) {
    this.#format = format;
    this.#width = width;
    this.#height = height;
    const pixels = width * height;
    this.#bytes = format === 'i420' ? pixels * 1.5 : pixels * 4;
    compiled ??= new WebAssembly.Module(Buffer.from(PICTURES_WASM, 'base64'));
    this.#module = new WebAssembly.Instance(compiled).exports as unknown as PicturesModule;
    this.#source = SUMS_BYTES;
    const slots = format === 'i420' ? this.#source + padded(pixels * 4) : this.#source;
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => slots + slot * padded(this.#bytes));
    const end = slots + SLOTS * padded(this.#bytes);
    this.#module.memory.grow(Math.ceil(end / PAGE_BYTES) - 1);
  }

  /** Where the next picture goes, 4 bytes a pixel: blue, green, red, alpha. */
  get target(): Uint8Array {
    const at = this.#format === 'i420' ? this.#source : (this.#slots[this.#free] as number);
    return new Uint8Array(this.#module.memory.buffer, at, this.#width * this.#height * 4);
  }

  /**
   * The picture in `target`. Its bytes stay as they are until the third one that differs after it, or `shows` after the
   * second.
   * @param last the picture before; when the new one is the same, it counts for nothing
   */
  take(last: Picture | undefined): Picture {
    const { memory, toI420, sums } = this.#module;
    const at = this.#slots[this.#free] as number;
    if (this.#format === 'i420') toI420(this.#source, this.#width, this.#height, at);
    sums(at, padded(this.#bytes), 0);
    const digest = sha256(new Uint8Array(memory.buffer, 0, SUMS_BYTES));
    if (digest === last?.digest) return last;
    this.#free = (this.#free + 1) % SLOTS;
    return { format: this.#format, bytes: Buffer.from(memory.buffer, at, this.#bytes), digest };
  }

  /** Whether the picture in `target` is the given one, as it was taken last, up to a rounding. */
  shows(last: Picture): boolean {
    const { bytes, digest } = this.take(last);
    if (digest === last.digest) return true;
    return bytes.every((level, at) => Math.abs(level - (last.bytes[at] as number)) <= ROUNDING_LEVELS);
  }
}
