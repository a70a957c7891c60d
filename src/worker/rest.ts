/** Steps that must find nothing to do, one after the other: what the one before them set going may wake the page. */
const CALM_STEPS = 2;
/** Virtual times are sums of fractions. */
const ROUNDING_MS = 1e-3;
/** A page that is woken by something else than its clock is noticed after so many frames at the latest. */
const MOST_FRAMES = 5;

/** Knows for how long a page's clock has nothing to do, so that the page stays as it is from frame to frame. */
export class Rest {
  #calmSteps = 0;
  #frame = -1;
  #until = 0;

  /** @param until milliseconds on the timeline before which nothing happens; not after `ms` when something may */
  noteStep(frame: number, ms: number, until: number): void {
    const hadNothingToDo = this.#isBefore(ms);
    this.#calmSteps = until <= ms ? 0 : hadNothingToDo ? this.#calmSteps + 1 : 1;
    this.#frame = frame;
    this.#until = until;
  }

  /** Something else than the clock was at work. */
  end(): void {
    this.#calmSteps = 0;
  }

  /** Whether the page looks the same at a frame without being taken there. */
  covers(frame: number, ms: number): boolean {
    const ahead = frame - this.#frame;
    return this.#calmSteps >= CALM_STEPS && ahead > 0 && ahead < MOST_FRAMES && this.#isBefore(ms);
  }

  #isBefore(ms: number): boolean {
    return ms < this.#until - ROUNDING_MS;
  }
}
