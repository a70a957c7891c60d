import { AbortedError } from '../utils/errors.ts';

/** Attempts at one segment, side by side: the first to finish wins and stops the others. */
export class SegmentRace<T> {
  /** What the first attempt to finish gave; the last error once all have failed. */
  readonly result: Promise<T>;
  readonly #attempt: (signal: AbortSignal) => Promise<T>;
  readonly #outcome = Promise.withResolvers<T>();
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #ends: Promise<void>[] = [];
  #running = 0;

  /** @param attempt begins once, and again with each `join`; ends when its signal fires */
  constructor(attempt: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) {
    this.#attempt = attempt;
    this.#signal = AbortSignal.any([signal, this.#over.signal]);
    this.result = this.#outcome.promise;
    this.join();
  }

  get attempts(): number {
    return this.#ends.length;
  }

  /** Attempts at work. */
  get running(): number {
    return this.#running;
  }

  /** Starts another attempt. */
  join(): void {
    this.#running++;
    this.#ends.push(
      this.#attempt(this.#signal).then(
        (result) => {
          this.#running--;
          this.#outcome.resolve(result);
          this.#over.abort(new AbortedError('Another attempt at the segment was done first.'));
        },
        (error: unknown) => {
          if (--this.#running === 0) this.#outcome.reject(error);
        },
      ),
    );
  }

  /** Waits until no attempt is at work. */
  async settled(): Promise<void> {
    for (let seen = 0; seen < this.#ends.length; ) {
      seen = this.#ends.length;
      await Promise.all(this.#ends);
    }
  }
}
