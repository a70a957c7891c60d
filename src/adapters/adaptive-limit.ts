import { onAbort, throwIfAborted } from '../utils/abort.ts';

/**
 * How many may be at work at the same time: halved when the other side is overloaded, and grown by one for each
 * full round that went well (additive increase, multiplicative decrease).
 */
export class AdaptiveLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #atWork = 0;
  #round = 0;
  #well = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = most;
  }

  get limit(): number {
    return this.#limit;
  }

  get atWork(): number {
    return this.#atWork;
  }

  /** Waits for a place. @returns what `release` and `overloaded` want @throws AbortedError */
  async enter(signal?: AbortSignal): Promise<number> {
    throwIfAborted(signal);
    while (this.#atWork >= this.#limit) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          off();
          const place = this.#waiting.indexOf(go);
          if (place >= 0) this.#waiting.splice(place, 1);
          resolve();
        };
        const off = onAbort(signal, go);
        this.#waiting.push(go);
      });
      throwIfAborted(signal);
    }
    this.#atWork++;
    return this.#round;
  }

  /** Gives the place back. */
  leave(): void {
    this.#atWork--;
    this.#wake();
  }

  succeeded(): void {
    if (this.#limit === this.#most || ++this.#well < this.#limit) return;
    this.#well = 0;
    this.#limit++;
    this.#wake();
  }

  /** @param round what `enter` gave: those that began before the last halving don't halve again */
  overloaded(round: number): void {
    if (round < this.#round) return;
    this.#round++;
    this.#well = 0;
    this.#limit = Math.max(1, this.#limit >> 1);
  }

  #wake(): void {
    for (let free = this.#limit - this.#atWork; free > 0; free--) this.#waiting[0]?.();
  }
}
