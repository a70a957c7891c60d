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
/** What is quicker is measured by chance: more frames are looked at. */
const QUICK_MS = 25;
const MORE_LOOKS = 3;
/** A page's first pictures take longer, whatever they show: memory is new, and scripts are not compiled. */
const SETTLED_LOOKS = 2;
const SETTLED = 1.25;
/** So many times as long, the first one. */
const FIRST_LOOK = 2.5;
/** With fewer frames to the next place it does not matter how long they take. */
const ROOMY_FRAMES = 30;

/** How a frame is reached. */
export type SeekWay = 'steps' | 'at-once';

export interface SeekTrial {
  readonly seekMode: 'seek' | 'replay';
  /**
   * Whether it is known that frames are right so: both ways were gone, or the job says it. Else only a page that shows
   * its frames in order, from the first on, surely shows them right.
   */
  readonly tried: boolean;
  /** Milliseconds of one worker for one frame, without the encoder. */
  readonly msPerFrame: number;
  /** Milliseconds of one worker for going on by a frame, without its picture. */
  readonly msPerStep: number;
  /** Of the places that were looked at, as the quickest visit that measured each found it. */
  readonly costs: readonly FrameCost[];
}

const meanOf = (all: readonly number[]): number => all.reduce((sum, ms) => sum + ms, 0) / all.length;

/** Whether the last look took about as long as the one before. */
function isSettled(looks: readonly number[]): boolean {
  const [before, last] = looks.slice(-SETTLED_LOOKS);
  return before !== undefined && last !== undefined && before < last * SETTLED;
}

/** What frames took, in milliseconds. */
class Costs {
  /** Means of the looks of each visit, by the frame that stands for the place. */
  readonly #places = new Map<number, number[]>();
  #steps = { ms: 0, count: 0 };

  step(ms: number): void {
    this.#steps = { ms: this.#steps.ms + ms, count: this.#steps.count + 1 };
  }

  /** @param looks of one visit at a place; some of them may show what the frame before does, which takes no time */
  look(frame: number, looks: readonly number[]): void {
    this.#places.set(frame, [...(this.#places.get(frame) ?? []), meanOf(looks)]);
  }

  knows(frame: number): boolean {
    return this.#places.has(frame);
  }

  get summary(): Pick<SeekTrial, 'msPerFrame' | 'msPerStep' | 'costs'> {
    const places = [...this.#places];
    return {
      msPerFrame: meanOf(places.flatMap(([, means]) => means)),
      msPerStep: this.#steps.ms / Math.max(1, this.#steps.count),
      costs: places.map(([frame, means]) => ({ frame, ms: Math.min(...means) })),
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
  readonly #ways = new Set<SeekWay>();
  /** Whether more than costs has to be known. */
  #isTrial = false;
  #differs = false;

  constructor(view: View, range: FrameRange) {
    this.view = view;
    this.#range = range;
  }

  /**
   * Goes one of the two ways through the places. As long as no more has to be known than what frames cost, the steps
   * after the first place are not gone one by one.
   * @param session a page of the view at frame 0, of which no picture was taken yet
   * @param suffices whether what was found so far is all that has to be known
   * @returns whether it has been gone to its end; else it has to be gone again, with another page
   */
  async visit(
    session: PageSession,
    way: SeekWay,
    suffices: (found: SeekTrial) => Promise<boolean>,
  ): Promise<boolean> {
    const { starts, length } = placesOf(this.#range);
    const capture = openCapture(session, this.view, this.view.page.timeouts.frame);
    let last: Buffer | undefined;
    const look = async (frame: number): Promise<number> => {
      const since = performance.now();
      await session.step(frame);
      await capture.expose();
      last = capture.develop()?.bytes ?? last;
      return performance.now() - since;
    };
    const ask = async (found: SeekTrial): Promise<void> => {
      if (way === 'steps' && !this.#isTrial) this.#isTrial = !(await suffices(found));
    };
    let hurries = false;
    for (const [place, from] of starts.entries()) {
      const isStepped = way === 'steps' && !hurries;
      // Stops on the way that the other visit does not make: a page may lose its way between them.
      const before = Math.max(0, session.frame);
      const stops = isStepped
        ? [1, 2].map((third) => before + Math.floor(((from - before) * third) / 3))
        : [];
      const drawn = from + Math.max(0, length - 1);
      for (let frame = isStepped ? from : drawn; frame <= drawn; frame++) stops.push(frame);
      for (const stop of stops) await (hurries ? session.step(stop) : this.#step(session, stop));
      // Both visits draw the same two frames: what Chromium drew before decides the last bit of what it draws next.
      if (place === 0) await capture.preRoll();
      await capture.expose();
      const seen = from + length;
      const first = await look(seen);
      const areRaw = isRaw(capture.format);
      if (!hurries)
        await this.#compare(place, areRaw ? (last as Buffer) : await (await capture.keep()).png, areRaw);
      const isKnown = this.#costs.knows(seen);
      if (place > 0 || !isKnown) {
        const looks = [first];
        const hasRoom = !isKnown && (starts[place + 1] ?? this.#range[1]) - seen > ROOMY_FRAMES;
        const goesOn = () => first < QUICK_MS || (place === 0 && !isSettled(looks));
        if (place === 0) await ask(this.#atLeast(seen, first / FIRST_LOOK));
        while (hasRoom && looks.length <= MORE_LOOKS && goesOn()) looks.push(await look(seen + looks.length));
        this.#costs.look(seen, place === 0 ? looks.slice(-SETTLED_LOOKS) : looks);
        await ask(this.trial);
      }
      if (hurries && this.#isTrial) return false;
      hurries = way === 'steps' && !this.#isTrial;
    }
    if (!hurries) this.#ways.add(way);
    return true;
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

  #atLeast(frame: number, ms: number): SeekTrial {
    return { ...this.trial, msPerFrame: ms, costs: [{ frame, ms }] };
  }

  /** What the visits found; of one alone, that frames can be seeked to. */
  get trial(): SeekTrial {
    const seekMode = this.#differs ? 'replay' : 'seek';
    return { seekMode, tried: this.#ways.size === 2, ...this.#costs.summary };
  }
}
