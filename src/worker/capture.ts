import { setTimeout as sleep } from 'node:timers/promises';
import { keptScreenshot, type Screenshot } from '../types/screenshot.ts';
import { CaptureStalledError } from '../utils/errors.ts';
import type { PageSession } from './page-session.ts';
import { compressedPicture, type Picture } from './picture.ts';
import { pngOf, showsSame } from './same-picture.ts';

const EMPTY_PAUSE_MS = 20;

/** A frame's picture that the page may go on from. */
export interface KeptFrame {
  readonly png: Promise<Buffer>;
}

/** Takes the pictures of a page, one a frame, and knows when a frame is the same as the one before. */
export interface Capture {
  /** Of the pictures that are taken. */
  readonly format: Picture['format'];
  /** Draws once, with a picture that is thrown away: a fresh browser's first can differ from later ones by a rounding. */
  preRoll(): Promise<void>;
  /** Draws the frame that the page stands at, as far as that can be done ahead of `expose`. */
  draw(): Promise<void>;
  /**
   * Takes the frame that the page stands at; it may go on to the next one then.
   * @throws CaptureStalledError when the browser gives no picture
   */
  expose(): Promise<void>;
  /** The picture that was taken last; `undefined` when it is the one that was developed last. */
  develop(): Picture | undefined;
  /**
   * Keeps the frame that was taken last, at which the page still stands.
   * @throws CaptureStalledError when it was taken before it was drawn
   */
  keep(): Promise<KeptFrame>;
}

/** Takes compressed pictures, of which the browser makes one for each frame. */
export class ScreenshotCapture implements Capture {
  readonly format: 'jpeg' | 'png';
  readonly #session: PageSession;
  readonly #screenshot: Screenshot;
  readonly #stallMs: number;
  #last: string | undefined;
  /** True while nothing changes: then a frame is first drawn without a picture, which costs next to nothing. */
  #still = false;
  #changed = false;

  /** @param stallMs how long one picture may take */
  constructor(session: PageSession, screenshot: Screenshot, stallMs: number) {
    this.format = screenshot.format;
    this.#session = session;
    this.#screenshot = screenshot;
    this.#stallMs = stallMs;
  }

  async preRoll(): Promise<void> {
    await this.shoot();
    this.#session.ticker.startTimeline();
  }

  async draw(): Promise<void> {}

  async expose(): Promise<void> {
    const { ticker } = this.#session;
    if (this.#still) {
      await this.inTime(ticker.tick());
      // Frames that were drawn while the page settled count, too.
      if (!ticker.damaged) return;
    }
    let data = await this.shoot();
    if (await this.#session.networkIdle()) data = await this.shoot();
    this.#session.check();
    this.#still = data === this.#last;
    this.#changed ||= !this.#still;
    this.#last = data;
    if (this.#still) await this.inTime(ticker.settle());
  }

  develop(): Picture | undefined {
    if (!this.#changed || this.#last === undefined) return undefined;
    this.#changed = false;
    return compressedPicture(this.format, Buffer.from(this.#last, 'base64'));
  }

  async keep(): Promise<KeptFrame> {
    const taken = this.#last === undefined ? undefined : Buffer.from(this.#last, 'base64');
    if (taken && this.format === 'png') return { png: Promise.resolve(taken) };
    const shown = Buffer.from(await this.shoot(keptScreenshot), 'base64');
    return { png: taken ? this.#proved(taken, shown) : Promise.resolve(shown) };
  }

  /** The picture that is shown, unless the JPEG that was taken before it shows something else: then that. */
  #proved(jpeg: Buffer, shown: Buffer): Promise<Buffer> {
    const { quality = 100 } = this.#screenshot;
    const png = showsSame(jpeg, shown, quality).then((isSame) => (isSame ? shown : pngOf(jpeg)));
    png.catch(() => {});
    return png;
  }

  /** On a busy machine the first frames of a page can come without a picture; later ones have it. @returns base64 */
  async shoot(screenshot = this.#screenshot): Promise<string> {
    const { ticker } = this.#session;
    for (const end = performance.now() + this.#stallMs; performance.now() < end; ) {
      const data = await this.inTime(ticker.shoot(screenshot));
      if (data) return data;
      await sleep(EMPTY_PAUSE_MS);
      await this.inTime(ticker.nudge());
    }
    throw new CaptureStalledError('The browser drew frames but gave no picture of them.');
  }

  /** @throws CaptureStalledError when a picture takes too long */
  async inTime<T>(work: Promise<T>): Promise<T> {
    return this.#session.guard(work, this.#stallMs, () => {
      throw new CaptureStalledError(`The browser gave no picture within ${this.#stallMs} ms.`);
    });
  }
}
