import { setTimeout as sleep } from 'node:timers/promises';
import type { Screenshot } from '../types/screenshot.ts';
import { CaptureStalledError } from '../utils/errors.ts';
import type { PageSession } from './page-session.ts';

const EMPTY_PAUSE_MS = 20;

/** Takes the pictures of a page, one a frame, and knows when a frame is the same as the one before. */
export class Capture {
  readonly #session: PageSession;
  readonly #screenshot: Screenshot;
  readonly #stallMs: number;
  #last: string | undefined;
  /** True while nothing changes: then a frame is first drawn without a picture, which costs next to nothing. */
  #still = false;

  /** @param stallMs how long one picture may take */
  constructor(session: PageSession, screenshot: Screenshot, stallMs: number) {
    this.#session = session;
    this.#screenshot = screenshot;
    this.#stallMs = stallMs;
  }

  /** Takes a picture and throws it away: a fresh browser's first one can differ from all later ones by a rounding. */
  async preRoll(): Promise<void> {
    await this.#shoot();
    this.#session.ticker.startTimeline();
  }

  /**
   * The picture of the frame that the page stands at; `undefined` when it is that of the frame before.
   * @throws CaptureStalledError when the browser gives none
   */
  async take(): Promise<Buffer | undefined> {
    const { ticker } = this.#session;
    if (this.#still) {
      await this.#inTime(ticker.tick());
      // Frames that were drawn while the page settled count, too.
      if (!ticker.damaged) return undefined;
    }
    let data = await this.#shoot();
    if (await this.#session.networkIdle()) data = await this.#shoot();
    this.#session.check();
    this.#still = data === this.#last;
    this.#last = data;
    if (!this.#still) return Buffer.from(data, 'base64');
    await this.#inTime(ticker.settle());
    return undefined;
  }

  /** On a busy machine the first frames of a page can come without a picture; later ones have it. */
  async #shoot(): Promise<string> {
    const { ticker } = this.#session;
    for (const end = performance.now() + this.#stallMs; performance.now() < end; ) {
      const data = await this.#inTime(ticker.shoot(this.#screenshot));
      if (data) return data;
      await sleep(EMPTY_PAUSE_MS);
      await this.#inTime(ticker.nudge());
    }
    throw new CaptureStalledError('The browser drew frames but gave no picture of them.');
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    return this.#session.guard(work, this.#stallMs, () => {
      throw new CaptureStalledError(`The browser gave no picture within ${this.#stallMs} ms.`);
    });
  }
}
