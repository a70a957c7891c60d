import { performance } from 'node:perf_hooks';
import { captureScale, pictureSize, rawFormatOf } from '../types/codecs.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { CapturePath } from '../types/render-job.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { CaptureUnavailableError } from '../utils/errors.ts';
import type { Browser } from './browser.ts';
import type { Capture, KeptFrame } from './capture.ts';
import { type BrowserKind, browserKindOf } from './chromium-flags.ts';
import { openCapture } from './open-capture.ts';
import { PageSession, type PageSessionOptions } from './page-session.ts';
import type { Picture } from './picture.ts';

/** What decides the pictures of a frame job. */
export type Scene = Pick<FrameJob, 'composition' | 'encoding' | 'page'>;

/** What decides how the page of a frame job looks. */
export type View = Pick<FrameJob, 'composition' | 'encoding'> & Pick<PageSessionOptions, 'page'>;

export interface Shot {
  /** Its bytes stay as they are until the second picture after it that differs. */
  readonly picture: Picture;
  /** False when it is the picture of the frame taken before. */
  readonly changed: boolean;
}

/** A page of a composition, and the pictures of its frames in ascending order. */
export class Camera implements AsyncDisposable {
  /** How its pictures are taken. */
  readonly path: CapturePath;
  /** Milliseconds spent, by part. */
  readonly timings = { load: 0, firstFrame: 0, seek: 0, capture: 0 };
  /** Resolves when the page is where its first frame can be taken from. */
  readonly ready: Promise<void>;
  readonly #session: PageSession;
  readonly #capture: Capture;
  readonly #replays: boolean;
  readonly #step: number;
  #last: Picture | undefined;
  /** The frame that the page is on its way to. */
  #ahead: { readonly frame: number; readonly arrival: Promise<void> } | undefined;

  private constructor(
    session: PageSession,
    scene: Scene,
    { mode }: Browser,
    start: number,
    signal: AbortSignal | undefined,
  ) {
    const { encoding, page } = scene;
    this.path = session.framebuffer ? 'framebuffer' : mode;
    this.#session = session;
    this.#capture = openCapture(session, scene, Math.max(10_000, page.timeouts.frame / 2));
    this.#replays = page.seekMode === 'replay';
    this.#step = encoding.everyNthFrame;
    this.ready = this.#timed('firstFrame', this.#preRoll(start, signal));
    this.ready.catch(() => {});
  }

  /** Loads the page. It goes to `start` by itself, by way of the frame that is taken before. */
  static async open(browser: Browser, scene: Scene, start: number, signal?: AbortSignal): Promise<Camera> {
    const since = performance.now();
    const session = await PageSession.open(browser, sessionOptions(scene));
    try {
      if (scene.page.capture === 'framebuffer' && !session.framebuffer) throw unavailable(scene);
      const camera = new Camera(session, scene, browser, start, signal);
      camera.timings.load = performance.now() - since;
      return camera;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of the pictures that are taken. */
  get format(): Picture['format'] {
    return this.#capture.format;
  }

  get warnings(): readonly string[] {
    return this.#session.warnings;
  }

  /**
   * Goes to a frame, through all before it in a replay, and takes its picture.
   * @param next the frame that will be taken after it, if that is known: the page goes there meanwhile
   */
  async take(frame: number, next?: number): Promise<Shot> {
    await this.ready;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    await this.#timed('seek', ahead ? ahead.arrival : this.#goTo(frame));
    if (ahead && ahead.frame !== frame) await this.#timed('seek', this.#goTo(frame));
    await this.#timed('capture', this.#capture.expose());
    if (next !== undefined) this.#goAhead(next);
    const taken = this.#capture.develop();
    this.#last = taken ?? this.#last;
    if (!this.#last) throw new RangeError('the first frame of a page needs a picture');
    return { picture: this.#last, changed: taken !== undefined };
  }

  /** Keeps the frame that was taken last, when the page has not gone on. @throws CaptureStalledError */
  keep(): Promise<KeptFrame> {
    return this.#capture.keep();
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

  #goAhead(frame: number): void {
    const arrival = this.#goTo(frame);
    arrival.catch(() => {});
    this.#ahead = { frame, arrival };
  }

  async #goTo(frame: number): Promise<void> {
    const session = this.#session;
    if (this.#replays) for (let at = session.frame + 1; at < frame; at++) await session.step(at);
    await session.step(frame);
    await this.#capture.draw();
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

/** How the page of a scene is opened. */
export function sessionOptions(view: View): PageSessionOptions {
  const { composition, encoding, page } = view;
  const { transparent } = encoding;
  const framebuffer = wantsFramebuffer(view);
  return { composition, page, scale: captureScale(encoding), transparent, framebuffer };
}

/** The browser that pages of a view are opened in. */
export function browserFor(view: View): BrowserKind {
  const format = wantsFramebuffer(view) ? rawFormatOf(view) : undefined;
  return {
    ...browserKindOf(view.page, captureScale(view.encoding)),
    pictures: format && { size: pictureSize(view), format },
  };
}

/** Whether the pictures of a scene may be read from the browser's memory. */
function wantsFramebuffer(scene: View): boolean {
  const { capture } = scene.page;
  return (capture === 'auto' || capture === 'framebuffer') && rawFormatOf(scene) !== undefined;
}

function unavailable(scene: Scene): CaptureUnavailableError {
  const { codec, transparent } = scene.encoding;
  const why = rawFormatOf(scene)
    ? 'the memory that the browser draws into can not be read here'
    : `${transparent ? 'transparent' : codec} pictures are taken as PNG or JPEG`;
  return new CaptureUnavailableError(
    `The capture path "framebuffer" was asked for, and ${why}. Use capture "auto".`,
    { details: { capture: 'framebuffer', codec, transparent } },
  );
}
