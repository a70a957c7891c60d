import { performance } from 'node:perf_hooks';
import type { FrameRange } from '../types/render-job.ts';
import { isSpeckledFrom } from '../utils/rounding.ts';
import type { View } from '../worker/camera.ts';
import { openCapture } from '../worker/open-capture.ts';
import type { PageSession } from '../worker/page-session.ts';
import { isRaw } from '../worker/picture.ts';
import { pixelsOf } from '../worker/same-picture.ts';
import type { FrameCost } from './cut-by-work.ts';

const WINDOW_FRAMES = 5;

/** How a frame is reached. */
export type SeekWay = 'steps' | 'at-once';

export interface SeekTrial {
  readonly seekMode: 'seek' | 'replay';
  /** Milliseconds of one worker for one frame, without the encoder. */
  readonly msPerFrame: number;
  /** Milliseconds of one worker for going on by a frame, without its picture. */
  readonly msPerStep: number;
  /** Of the places that were looked at, the quickest of the looks at each. */
  readonly costs: readonly FrameCost[];
}

/** What frames took, in milliseconds. */
class Costs {
  readonly #quickest = new Map<number, number>();
  #looks = { ms: 0, count: 0 };
  #steps = { ms: 0, count: 0 };

  step(ms: number): void {
    this.#steps = { ms: this.#steps.ms + ms, count: this.#steps.count + 1 };
  }

  /** @param frame that stands for the place */
  look(frame: number, ms: number): void {
    this.#looks = { ms: this.#looks.ms + ms, count: this.#looks.count + 1 };
    this.#quickest.set(frame, Math.min(this.#quickest.get(frame) ?? Number.POSITIVE_INFINITY, ms));
  }

  get summary(): Omit<SeekTrial, 'seekMode'> {
    return {
      msPerFrame: this.#looks.ms / this.#looks.count,
      msPerStep: this.#steps.ms / Math.max(1, this.#steps.count),
      costs: [...this.#quickest].map(([frame, ms]) => ({ frame, ms })),
    };
  }
}

/**
 * Up to what Chromium rounds otherwise after another frame, in few places. A JPEG makes up to 14 levels in a whole
 * block of one of them: of compressed pictures, what they were made of is compared.
 */
async function looksAs(one: Buffer, other: Buffer, areRaw: boolean): Promise<boolean> {
  if (one.equals(other)) return true;
  if (areRaw) return isSpeckledFrom(one, other);
  return isSpeckledFrom(...(await Promise.all([pixelsOf(one), pixelsOf(other)])));
}

/** The first frames of the places that are looked at, and how many follow each. */
function placesOf([start, end]: FrameRange): { starts: number[]; length: number } {
  const length = Math.min(WINDOW_FRAMES, end - 1);
  const last = end - 1 - length;
  const first = Math.min(start, last);
  return { starts: [...new Set([first, Math.floor((first + last) / 2), last])], length };
}

/**
 * Measures what a frame costs, and finds out whether frames can be seeked to: at three places of the range, a frame
 * reached at once and the same frame reached step by step must look alike, up to a rounding. For a
 * range of few frames the steps begin before it.
 */
export class SeekTry {
  readonly view: View;
  readonly #range: FrameRange;
  readonly #costs = new Costs();
  /** Of each place, as the visit that came there first saw it: raw, or a PNG. */
  readonly #looks: Buffer[] = [];
  #differs = false;

  constructor(view: View, range: FrameRange) {
    this.view = view;
    this.#range = range;
  }

  /**
   * Goes one of the two ways through the places.
   * @param session a page of the view at frame 0, of which no picture was taken yet
   */
  async visit(session: PageSession, way: SeekWay): Promise<void> {
    const { starts, length } = placesOf(this.#range);
    const capture = openCapture(session, this.view, this.view.page.timeouts.frame);
    let last: Buffer | undefined;
    const develop = (): void => {
      last = capture.develop()?.bytes ?? last;
    };
    const look = async (as: number, frame: number): Promise<void> => {
      const since = performance.now();
      await session.step(frame);
      await capture.expose();
      this.#costs.look(as, performance.now() - since);
      develop();
    };
    for (const [place, from] of starts.entries()) {
      // Stops on the way that the other visit does not make: a page may lose its way between them.
      const before = Math.max(0, session.frame);
      const stops =
        way === 'steps' ? [1, 2].map((third) => before + Math.floor(((from - before) * third) / 3)) : [];
      const drawn = from + Math.max(0, length - 1);
      for (let frame = way === 'steps' ? from : drawn; frame <= drawn; frame++) stops.push(frame);
      for (const stop of stops) await this.#step(session, stop);
      // Both visits draw the same two frames: what Chromium drew before decides the last bit of what it draws next.
      if (place === 0) await capture.preRoll();
      await capture.expose();
      develop();
      const seen = from + length;
      await look(seen, seen);
      const areRaw = isRaw(capture.format);
      await this.#compare(place, areRaw ? (last as Buffer) : await (await capture.keep()).png, areRaw);
      // A page's first pictures take longer, whatever they show: memory is new, and scripts are not compiled.
      const next = starts[place + 1];
      if (place === 0 && next !== undefined && seen + 1 < next) await look(seen, seen + 1);
    }
  }

  async #compare(place: number, look: Buffer, areRaw: boolean): Promise<void> {
    const before = this.#looks[place];
    if (before) this.#differs ||= !(await looksAs(before, look, areRaw));
    else this.#looks[place] = Buffer.from(look);
  }

  async #step(session: PageSession, frame: number): Promise<void> {
    if (frame === session.frame) return;
    const since = performance.now();
    await session.step(frame);
    this.#costs.step(performance.now() - since);
  }

  /** What the visits found; of one alone, that frames can be seeked to. */
  get trial(): SeekTrial {
    return { seekMode: this.#differs ? 'replay' : 'seek', ...this.#costs.summary };
  }
}
