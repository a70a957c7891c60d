/** An attempt that is younger is no straggler: a browser may take that long to start. */
const LEAST_MS = 10_000;
/** Times slower than its siblings. */
const SLOWER = 4;

interface Attempt {
  readonly frames: number;
  since: number;
  done: number;
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** How fast each segment's first attempt goes, in frames a millisecond, beside the others. */
export class SegmentPace {
  readonly #planned: number;
  readonly #now: () => number;
  readonly #running = new Map<number, Attempt>();
  readonly #finished: number[] = [];

  /** @param msPerFrame as the plan measured it @param now a clock in milliseconds */
  constructor(msPerFrame: number, now: () => number) {
    this.#planned = 1 / Math.max(msPerFrame, 0.001);
    this.#now = now;
  }

  /** A segment's attempt begins, perhaps anew after an error. */
  began(index: number, frames: number): void {
    this.#running.set(index, { frames, since: this.#now(), done: 0 });
  }

  told(index: number, done: number): void {
    const attempt = this.#running.get(index);
    if (attempt) attempt.done = done;
  }

  ended(index: number, finished: boolean): void {
    const attempt = this.#running.get(index);
    this.#running.delete(index);
    if (attempt && finished) this.#finished.push(attempt.frames / Math.max(1, this.#now() - attempt.since));
  }

  /**
   * The running segments that are more than four times slower than the median of their siblings, finished or at
   * work, and than the plan measured; the slowest first. One that has told of no frame (a remote worker never
   * does) is one when it is at work for four times as long as its siblings would need for all of it.
   */
  stragglers(): number[] {
    const found: { index: number; lag: number }[] = [];
    for (const [index, { frames, since, done }] of this.#running) {
      const siblings = this.#siblingsOf(index);
      const elapsed = this.#now() - since;
      if (siblings === undefined || elapsed < LEAST_MS) continue;
      const lag = (elapsed * Math.min(siblings, this.#planned)) / (done === 0 ? frames : done);
      if (lag > SLOWER) found.push({ index, lag });
    }
    return found.toSorted((a, b) => b.lag - a.lag).map(({ index }) => index);
  }

  #siblingsOf(index: number): number | undefined {
    const running = [...this.#running]
      .filter(([other, { done }]) => other !== index && done > 0)
      .map(([, { since, done }]) => done / Math.max(1, this.#now() - since));
    return median([...this.#finished, ...running]);
  }
}
