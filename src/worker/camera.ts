import { performance } from 'node:perf_hooks';
import { captureScale } from '../types/codecs.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { Screenshot } from '../types/screenshot.ts';
import { screenshotOf } from '../types/screenshot.ts';
import { throwIfAborted } from '../utils/abort.ts';
import type { Browser } from './browser.ts';
import { Capture } from './capture.ts';
import { PageSession } from './page-session.ts';

/** What decides the pictures of a frame job. */
export type Scene = Pick<FrameJob, 'composition' | 'encoding' | 'page'>;

export interface Shot {
  /** JPEG or PNG. */
  readonly picture: Buffer;
  /** False when it is the picture of the frame taken before. */
  readonly changed: boolean;
}

/** A page of a composition, and the pictures of its frames in ascending order. */
export class Camera implements AsyncDisposable {
  readonly screenshot: Screenshot;
  /** Milliseconds spent, by part. */
  readonly timings = { load: 0, firstFrame: 0, seek: 0, capture: 0 };
  readonly #session: PageSession;
  readonly #capture: Capture;
  readonly #replays: boolean;
  readonly #step: number;
  #last: Buffer | undefined;

  private constructor(session: PageSession, { encoding, page }: Scene) {
    this.screenshot = screenshotOf(encoding);
    this.#session = session;
    this.#capture = new Capture(session, this.screenshot, Math.max(10_000, page.timeouts.frame / 2));
    this.#replays = page.seekMode === 'replay';
    this.#step = encoding.everyNthFrame;
  }

  /** Loads the page and draws the frame that is taken before `start`. */
  static async open(browser: Browser, scene: Scene, start: number, signal?: AbortSignal): Promise<Camera> {
    const { composition, encoding, page } = scene;
    const scale = captureScale(encoding);
    const since = performance.now();
    const options = { composition, page, scale, transparent: encoding.transparent };
    const session = await PageSession.open(browser, options);
    try {
      const camera = new Camera(session, scene);
      camera.timings.load = performance.now() - since;
      await camera.#timed('firstFrame', camera.#preRoll(start, signal));
      return camera;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  get warnings(): readonly string[] {
    return this.#session.warnings;
  }

  /** Goes to a frame, through all before it in a replay, and takes its picture. */
  async take(frame: number): Promise<Shot> {
    await this.#timed('seek', this.#goTo(frame));
    const taken = await this.#timed('capture', this.#capture.take());
    this.#last = taken ?? this.#last;
    if (!this.#last) throw new RangeError('the first frame of a page needs a picture');
    return { picture: this.#last, changed: taken !== undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }

  async #preRoll(start: number, signal: AbortSignal | undefined): Promise<void> {
    // What Chromium drew before decides the last bit of what it draws next.
    const before = Math.max(0, start - this.#step);
    for (let frame = this.#replays ? 1 : before; frame <= before; frame++) {
      throwIfAborted(signal);
      await this.#session.step(frame);
    }
    await this.#capture.preRoll();
  }

  async #goTo(frame: number): Promise<void> {
    const session = this.#session;
    if (this.#replays) for (let at = session.frame + 1; at < frame; at++) await session.step(at);
    await session.step(frame);
  }

  async #timed<T>(part: keyof Camera['timings'], work: Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      return await work;
    } finally {
      this.timings[part] += performance.now() - since;
    }
  }
}
