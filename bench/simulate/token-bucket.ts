export interface Rate {
  /** Tokens at the beginning, and at the most. */
  readonly burst: number;
  readonly perSecond: number;
}

/** The throttle that AWS describes: a bucket of tokens, refilled all the time. Times are in ms and only grow. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #filledAt = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  #fill(now: number): void {
    const gained = ((now - this.#filledAt) / 1000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained);
    this.#filledAt = now;
  }

  tryTake(now: number): boolean {
    this.#fill(now);
    // Rounding may leave a token a hair short of one.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens--;
    return true;
  }

  /** Takes a token that may not be there yet. @returns when it will be */
  reserve(now: number): number {
    this.#fill(now);
    this.#tokens--;
    return this.#tokens >= 0 ? now : now + (-this.#tokens / this.#rate.perSecond) * 1000;
  }
}
