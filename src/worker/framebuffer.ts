import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CaptureStalledError } from '../utils/errors.ts';
import type { Browser } from './browser.ts';
import type { DevToolsSession } from './devtools.ts';
import type { FrameTicker } from './frame-ticker.ts';
import { ProcessMemory } from './process-memory.ts';

export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

interface Layout extends PixelSize {
  /** Bytes from a row to the next. */
  readonly stride: number;
}

const STRIPS = 8;
const LEAST_HEIGHT = 4 * STRIPS;
const PIXEL_BYTES = 4;
const MAX_TICKS = 60;
const EMPTY_PAUSE_MS = 10;
const ROUNDS = 3;
/** How much is looked through at a time. */
const CHUNK_BYTES = 4 * 1024 ** 2;
/** Pixels that are looked for; those of the first strip are not the same anywhere by chance. */
const NEEDLE_PIXELS = 64;

/** Strips across the page. Every other one has a layer of its own, so that all are together in no layer's memory. */
function paint(colours: readonly number[]): string {
  const strips = colours.map((colour, strip) => {
    const hex = colour.toString(16).padStart(6, '0');
    const place = `position:fixed;left:0;right:0;top:${(strip * 100) / STRIPS}%;height:${100 / STRIPS}%`;
    return `<div style="${place};background:#${hex};${strip % 2 ? 'will-change:transform' : ''}"></div>`;
  });
  return `document.body.innerHTML = ${JSON.stringify(strips.join(''))}; 0`;
}

function row(colour: number, pixels: number): Buffer {
  const bgra = Buffer.alloc(PIXEL_BYTES);
  bgra.writeUInt32LE((colour | 0xff000000) >>> 0);
  return Buffer.alloc(pixels * PIXEL_BYTES, bgra);
}

/** Whether all strips lie there one below the other: the first row, the middle of each, the last row. */
function isPicture(memory: ProcessMemory, at: number, layout: Layout, colours: readonly number[]): boolean {
  const { width, height, stride } = layout;
  const seen = Buffer.alloc(width * PIXEL_BYTES);
  const shows = (y: number, colour: number) =>
    memory.read(seen, at + y * stride) && seen.equals(row(colour, width));
  return (
    shows(0, colours[0] as number) &&
    shows(height - 1, colours[STRIPS - 1] as number) &&
    colours.every((colour, strip) => shows(Math.floor(((strip + 0.5) * height) / STRIPS), colour))
  );
}

/** Where the strips' picture begins in the process's memory. */
function search(memory: ProcessMemory, layout: Layout, colours: readonly number[]): number[] {
  const { width, height, stride } = layout;
  const bytes = (height - 1) * stride + width * PIXEL_BYTES;
  const needle = row(colours[0] as number, Math.min(NEEDLE_PIXELS, width));
  const isHere = (at: number) => isPicture(memory, at, layout, colours);
  const regions = memory.regions().filter((region) => region.bytes >= bytes);
  // Large pictures have a region of their own.
  const whole = regions.map(({ at }) => at).filter(isHere);
  if (whole.length > 0) return whole;
  const found: number[] = [];
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (const { at, bytes: length } of regions) {
    for (let offset = 0; offset + bytes <= length; offset += CHUNK_BYTES - needle.length) {
      const piece = chunk.subarray(0, Math.min(CHUNK_BYTES, length - offset));
      if (!memory.read(piece, at + offset)) break;
      for (let hit = piece.indexOf(needle); hit >= 0; hit = piece.indexOf(needle, hit + stride))
        if (isHere(at + offset + hit)) found.push(at + offset + hit);
    }
  }
  return found;
}

const gone = () => new CaptureStalledError('The memory that the browser draws into is gone.');

/** On a busy machine the first frames of a page can draw nothing. */
async function drawUntilStill(browser: Browser, ticker: FrameTicker): Promise<void> {
  let drawn = false;
  for (let tick = 0; tick < MAX_TICKS; tick++) {
    const changed = await browser.guard(ticker.tick());
    if (drawn && !changed) return;
    drawn ||= changed === true;
    if (!drawn) await sleep(EMPTY_PAUSE_MS);
  }
}

/**
 * The memory that Chromium's compositor draws a page into when it draws in software. After a frame was drawn it holds
 * the page's pixels, row by row from the top, each blue, green, red and 255, bit for bit as in a PNG screenshot.
 */
export class Framebuffer implements Disposable {
  readonly size: PixelSize;
  readonly #memory: ProcessMemory;
  readonly #at: number;
  readonly #stride: number;
  /** Of the strips that it was found by. */
  readonly #colours: readonly number[];

  private constructor(
    memory: ProcessMemory,
    at: number,
    { width, height, stride }: Layout,
    colours: readonly number[],
  ) {
    this.#memory = memory;
    this.#at = at;
    this.#stride = stride;
    this.#colours = colours;
    this.size = { width, height };
  }

  /**
   * Finds it by what an empty page is made to show: strips of random colours.
   * @param page that stands at about:blank, and draws only at the ticker's ticks
   * @param size of the page, in device pixels
   * @param windowWidth of the browser's window, in device pixels
   * @returns `undefined` where the memory can't be read, or is not found
   */
  static async find(
    browser: Browser,
    page: DevToolsSession,
    ticker: FrameTicker,
    size: PixelSize,
    windowWidth = size.width,
  ): Promise<Framebuffer | undefined> {
    const layout = { ...size, stride: windowWidth * PIXEL_BYTES };
    const pid = await browser.drawingProcess();
    const memory = pid === undefined || size.height < LEAST_HEIGHT ? undefined : ProcessMemory.open(pid);
    if (!memory) return undefined;
    let places: number[] | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const colours = Array.from({ length: STRIPS }, () => randomInt(2 ** 24));
      await browser.guard(page.send('Runtime.evaluate', { expression: paint(colours) }));
      await drawUntilStill(browser, ticker);
      const left: number[] = places
        ? places.filter((at) => isPicture(memory, at, layout, colours))
        : search(memory, layout, colours);
      const [at] = left;
      if (at === undefined) break;
      if (left.length === 1) return new Framebuffer(memory, at, layout, colours);
      places = left;
    }
    memory[Symbol.dispose]();
    return undefined;
  }

  /**
   * @param into takes 4 bytes a pixel
   * @throws CaptureStalledError when the memory is gone
   */
  read(into: Uint8Array): void {
    const { width, height } = this.size;
    const row = width * PIXEL_BYTES;
    const isGapless = row === this.#stride;
    const step = isGapless ? row * height : row;
    let isWhole = true;
    for (let at = 0, from = this.#at; at < row * height; at += step, from += this.#stride)
      isWhole &&= this.#memory.read(into.subarray(at, at + step), from);
    if (!isWhole) throw gone();
  }

  /** Reads one row, 0 at the top. @param into takes 4 bytes a pixel @throws CaptureStalledError when the memory is gone */
  readRow(into: Uint8Array, row: number): void {
    if (!this.#memory.read(into, this.#at + row * this.#stride)) throw gone();
  }

  /**
   * Whether a picture that was read can only be one of the page: the browser by itself shows the strips, or one
   * colour. A page that is of one colour is not known by this.
   */
  showsPage(picture: Buffer): boolean {
    const { width, height } = this.size;
    const bytes = width * PIXEL_BYTES;
    const hasStrip = this.#colours.some((colour, strip) => {
      const start = Math.floor(((strip + 0.5) * height) / STRIPS) * bytes;
      return picture.subarray(start, start + bytes).equals(row(colour, width));
    });
    const isOneColour = picture.subarray(PIXEL_BYTES).equals(picture.subarray(0, -PIXEL_BYTES));
    return !hasStrip && !isOneColour;
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}
