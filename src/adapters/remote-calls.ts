import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../utils/abort.ts';
import { CloudServiceError, ThrottledError } from '../utils/errors.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';

const LONGEST_BACKOFF_MS = 20_000;

export interface RemoteCallsOptions {
  /** Calls at the same time at the most. */
  readonly concurrency: number;
  /** Upper bound of the first wait, in milliseconds; doubles each time. */
  readonly backoffMs: number;
  /** Milliseconds from a call's first attempt in which it is made again while the other side throttles it. */
  readonly throttledMs: number;
  /** Attempts at a call that ends in a CloudServiceError. @default 1 */
  readonly attempts?: number | undefined;
}

/** Calls another side that may throttle: those that it refuses wait, and fewer are made at a time until it goes well again. */
export class RemoteCalls {
  readonly #limit: AdaptiveLimit;
  readonly #options: RemoteCallsOptions;
  #resent = 0;

  constructor(options: RemoteCallsOptions) {
    this.#limit = new AdaptiveLimit(options.concurrency);
    this.#options = options;
  }

  /** Calls at the same time at the most, for now. */
  get capacity(): number {
    return this.#limit.limit;
  }

  get inFlight(): number {
    return this.#limit.atWork;
  }

  /** Attempts beyond the first ones. */
  get resent(): number {
    return this.#resent;
  }

  /**
   * Waits no shorter than `details.retryAfterSeconds` of an error before the next attempt.
   * @throws AbortedError, and what `call` throws
   */
  async call<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { backoffMs, throttledMs, attempts = 1 } = this.#options;
    const since = performance.now();
    let throttled = 0;
    let failed = 0;
    for (;;) {
      const round = await this.#limit.enter(signal);
      let asked: unknown;
      try {
        const answer = await call();
        this.#limit.succeeded();
        return answer;
      } catch (error) {
        throwIfAborted(signal);
        if (error instanceof ThrottledError) {
          throttled++;
          this.#limit.overloaded(round);
          if (performance.now() - since > throttledMs) throw error;
        } else if (!(error instanceof CloudServiceError) || ++failed >= attempts) throw error;
        asked = error.details.retryAfterSeconds;
      } finally {
        this.#limit.leave();
      }
      this.#resent++;
      const bound = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2 ** (throttled + failed - 1));
      const least = Math.min(LONGEST_BACKOFF_MS, typeof asked === 'number' ? asked * 1000 : 0);
      const wait = least + Math.random() * bound;
      await sleep(wait, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }
}
