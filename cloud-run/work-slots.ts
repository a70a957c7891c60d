import { CloudServiceError, ThrottledError } from '../src/utils/errors.ts';

/** How many requests an instance works on at the same time, and whether it takes more. */
export class WorkSlots {
  readonly capacity: number;
  readonly #stop = new AbortController();
  readonly #onEnd = new Set<() => void>();
  #inFlight = 0;
  #draining = false;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Works in a free slot; the signal fires when the instance has no time left.
   * @throws ThrottledError when there is none, CloudServiceError once the instance is ending
   */
  async run<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#draining) throw endingError();
    if (this.#inFlight >= this.capacity) {
      throw new ThrottledError('The instance is at work; send the request again a little later.', {
        details: { capacity: this.capacity },
      });
    }
    this.#inFlight++;
    try {
      return await work(this.#stop.signal);
    } catch (error) {
      throw this.#stop.signal.aborted ? endingError(error) : error;
    } finally {
      this.#inFlight--;
      for (const wake of this.#onEnd) wake();
    }
  }

  /** Takes no more work; what is at work has so many milliseconds, and is ended then. Settles when nothing is. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => this.#onEnd.add(resolve));
      this.#onEnd.clear();
    }
    clearTimeout(timer);
  }
}

function endingError(cause?: unknown): CloudServiceError {
  return new CloudServiceError('The instance is ending; send the request again to another one.', { cause });
}
