import { setTimeout as sleep } from 'node:timers/promises';
import { CaptureStalledError } from '../utils/errors.ts';
import type { Capture, KeptFrame, ScreenshotCapture } from './capture.ts';
import type { Framebuffer } from './framebuffer.ts';
import type { PageSession } from './page-session.ts';
import type { Picture, RawFormat } from './picture.ts';
import type { RawPictures } from './raw-pictures.ts';

const MOVING_LOOKS = 5;
const MOVING_PAUSE_MS = 40;

/** Takes raw pictures from the memory that the browser draws into. */
export class FramebufferCapture implements Capture {
  readonly format: RawFormat;
  readonly #session: PageSession;
  readonly #framebuffer: Framebuffer;
  readonly #screenshots: ScreenshotCapture;
  readonly #pictures: RawPictures;
  #last: Picture | undefined;
  #drawn = false;
  /** How many frames were begun when the memory was read for the last one; `undefined` when it was not. */
  #begunWhenRead: number | undefined;
  /** Whether any frame was read. */
  #read = false;
  /** Whether the memory was read since a picture was developed. */
  #exposed = false;

  /** @param screenshots of the same session, for the picture that proves that there are any */
  constructor(
    session: PageSession,
    framebuffer: Framebuffer,
    format: RawFormat,
    screenshots: ScreenshotCapture,
  ) {
    this.format = format;
    this.#session = session;
    this.#framebuffer = framebuffer;
    this.#screenshots = screenshots;
    this.#pictures = session.rawPictures(framebuffer.size, format);
  }

  /** Where the picture does not prove that the page is drawn at all, a screenshot does, which costs more than a frame. */
  async preRoll(): Promise<void> {
    const { ticker } = this.#session;
    await this.#screenshots.inTime(ticker.tick());
    this.#pictures.read(this.#framebuffer);
    if (!this.#session.wasReplaced && this.#framebuffer.showsPage(this.#pictures.source)) {
      ticker.looked();
      ticker.startTimeline();
      return;
    }
    await this.#screenshots.preRoll();
    this.#pictures.read(this.#framebuffer);
  }

  async draw(): Promise<void> {
    this.#lookBack();
    await this.#screenshots.inTime(this.#session.ticker.tick());
    this.#drawn = true;
  }

  async expose(): Promise<void> {
    const { ticker } = this.#session;
    if (!this.#drawn) await this.draw();
    if (await this.#session.networkIdle()) await this.draw();
    this.#drawn = false;
    this.#session.check();
    this.#begunWhenRead = undefined;
    if (this.#read && !ticker.damaged) return;
    this.#read = true;
    this.#exposed = true;
    const isNew = this.#pictures.read(this.#framebuffer);
    // What was drawn and looks like the frame before may have been read too early.
    if (!isNew && ticker.damaged) {
      await this.#screenshots.inTime(ticker.tick());
      this.#pictures.read(this.#framebuffer);
    }
    this.#begunWhenRead = ticker.begun;
    ticker.looked();
  }

  /** Until something is drawn again, the memory has to have what was read; else that was read too early. */
  #lookBack(): void {
    if (this.#begunWhenRead !== this.#session.ticker.begun) return;
    if (!this.#pictures.isStill(this.#framebuffer)) throw readTooEarly();
  }

  develop(): Picture | undefined {
    if (!this.#exposed) return undefined;
    this.#exposed = false;
    const picture = this.#pictures.take(this.#last);
    const isNew = picture !== this.#last;
    this.#last = picture;
    return isNew ? picture : undefined;
  }

  async keep(): Promise<KeptFrame> {
    const { png } = await this.#pictures.keep();
    png.catch(() => {});
    // When the browser has answered once more, all that it drew before is in its memory: what was read, or that was
    // read too early.
    await this.#screenshots.inTime(this.#session.ticker.tick());
    const isOther = this.#pictures.read(this.#framebuffer);
    if (isOther && this.#last && !this.#pictures.shows(this.#last) && !(await this.#moves()))
      throw readTooEarly();
    return { png };
  }

  /** Whether the page goes on by itself: then a picture can't be looked at twice. */
  async #moves(): Promise<boolean> {
    for (let look = 0; look < MOVING_LOOKS; look++) {
      await sleep(MOVING_PAUSE_MS);
      await this.#screenshots.inTime(this.#session.ticker.tick());
      if (this.#pictures.read(this.#framebuffer)) return true;
    }
    return false;
  }
}

function readTooEarly(): CaptureStalledError {
  return new CaptureStalledError("The browser's memory did not have the frame yet when it was read.");
}
