import type { Screenshot } from '../types/screenshot.ts';
import type { CaptureMode } from './chromium-flags.ts';
import type { DevToolsSession } from './devtools.ts';

interface Drawn {
  /** `undefined` when the browser draws by itself. */
  readonly hasDamage: boolean | undefined;
  /** Base64. */
  readonly data: string | undefined;
}

/** Frame times are whole microseconds to the browser; one that has the time of the frame before is never answered. */
const EXTRA_TICK = 1;
const micros = (ms: number): number => Math.round(ms * 1000);

/**
 * Issues the browser's frames. In `screenshot` mode the browser draws by itself, and a tick only gives it
 * time to.
 */
export class FrameTicker {
  readonly #page: DevToolsSession;
  readonly #mode: CaptureMode;
  /** Microseconds. */
  readonly #interval: number;
  /** The browser refuses a frame while one is under way. */
  #pending: Promise<unknown> = Promise.resolve();
  #started = false;
  #begun = 0;
  #damaged = false;
  #changed = false;
  #stands = false;
  /** Microseconds. */
  #ticks = 1_000_000;
  #origin = 1_000_000;

  /** @param interval milliseconds a frame */
  constructor(page: DevToolsSession, mode: CaptureMode, interval: number) {
    this.#page = page;
    this.#mode = mode;
    this.#interval = micros(interval);
  }

  /** Frames that the browser was told to draw so far. */
  get begun(): number {
    return this.#begun;
  }

  /** Makes now the time 0 of `moveTo`. */
  startTimeline(): void {
    this.#started = true;
    this.#origin = this.#ticks;
  }

  /** Lets the next frame bear the time of `ms` on the timeline; frame times only grow. */
  moveTo(ms: number): void {
    this.#ticks = Math.max(this.#ticks, this.#origin + micros(ms));
  }

  /** Draws, without a picture. @returns whether anything changed; `undefined` in `screenshot` mode */
  async tick(): Promise<boolean | undefined> {
    return (await this.#draw()).hasDamage;
  }

  /** Whether the last frame changed nothing; false in `screenshot` mode, where nothing tells. */
  get stands(): boolean {
    return this.#stands;
  }

  /** Whether any frame changed anything since this was asked last; `undefined` in `screenshot` mode. */
  takeChange(): boolean | undefined {
    const changed = this.#changed;
    this.#changed = false;
    return this.#mode === 'screenshot' ? undefined : changed;
  }

  /** Whether anything has changed since the last picture, `looked` or `settle`; always true in `screenshot` mode. */
  get damaged(): boolean {
    return this.#mode === 'screenshot' || this.#damaged;
  }

  /** Takes note that what was drawn has been seen. */
  looked(): void {
    this.#damaged = false;
  }

  /** Draws the frame after a picture, which is drawn anew because of the picture alone. */
  async settle(): Promise<void> {
    await this.#draw();
    this.#damaged = false;
  }

  /** Draws with a whole frame's time gone by, for a browser that waits for that; the timeline moves along. */
  async nudge(): Promise<void> {
    this.#ticks += this.#interval;
    this.#origin += this.#interval;
    await this.#draw();
  }

  /** Draws and takes the picture. @returns base64; `undefined` when the browser gave none */
  async shoot(screenshot: Screenshot): Promise<string | undefined> {
    return (await this.#draw(screenshot)).data;
  }

  /** Draws until `work` settles, for what only goes on while frames come. */
  async while<T>(work: Promise<T>, pauseMs: number): Promise<T> {
    let settled = false;
    const watched = work.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    for (;;) {
      await Promise.race([watched.catch(() => {}), new Promise((resolve) => setTimeout(resolve, pauseMs))]);
      if (settled) return watched;
      await Promise.race([this.tick(), watched.catch(() => {})]);
    }
  }

  async #draw(screenshot?: Screenshot): Promise<Drawn> {
    if (this.#mode === 'screenshot') {
      if (!screenshot) return { hasDamage: undefined, data: undefined };
      const { data } = await this.#page.send('Page.captureScreenshot', {
        ...screenshot,
        captureBeyondViewport: false,
      });
      return { hasDamage: undefined, data };
    }
    const drawn = this.#pending.then(async () => {
      this.#ticks += this.#started ? EXTRA_TICK : this.#interval;
      this.#begun++;
      const { hasDamage, screenshotData } = await this.#page.send('HeadlessExperimental.beginFrame', {
        // Half a microsecond more, since the browser cuts off what is behind the point.
        frameTimeTicks: (this.#ticks + 0.5) / 1000,
        interval: this.#interval / 1000,
        ...(screenshot ? { screenshot } : {}),
      });
      this.#stands = !hasDamage;
      this.#changed ||= hasDamage;
      this.#damaged = screenshot ? false : this.#damaged || hasDamage;
      return { hasDamage, data: screenshotData };
    });
    this.#pending = drawn.catch(() => {});
    return drawn;
  }
}
