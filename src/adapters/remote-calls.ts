import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../utils/abort.ts';
import { CloudServiceError, ThrottledError } from '../utils/errors.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { resendDelay } from './resend-delay.ts';

export interface RemoteCallsOptions {
  /** Calls at the same time at the most. */
  readonly concurrency: number;
  /** Upper bound of the first wait, in milliseconds; doubles each time. */
  readonly backoffMs: number;
  /**
   * Milliseconds from a call's first attempt in which it is made again while the other side throttles it, and which
   * bound what the other side may ask to wait.
   */
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
   * Waits no shorter than `details.retryAfterSeconds` of an error before the next attempt, unless the time in which
   * it may be throttled ends before. Throttling, and an error whose `details.noInstance` is true, let fewer calls be
   * made at a time.
   * @throws AbortedError, and what `call` throws
   */
  async call<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { backoffMs, throttledMs, attempts = 1 } = this.#options;
    const since = performance.now();
    let throttled = 0;
    let failed = 0;
    for (;;) {
      const round = await this.#limit.enter(signal);
      let retryAfterSeconds: number | undefined;
      try {
        const answer = await call();
        this.#limit.succeeded();
        return answer;
      } catch (error) {
        throwIfAborted(signal);
        if (error instanceof ThrottledError || isWithoutInstance(error)) this.#limit.overloaded(round);
        if (error instanceof ThrottledError) {
          throttled++;
          if (performance.now() - since > throttledMs) throw error;
        } else if (!(error instanceof CloudServiceError) || ++failed >= attempts) throw error;
        const { retryAfterSeconds: asked } = error.details;
        retryAfterSeconds = typeof asked === 'number' ? asked : undefined;
      } finally {
        this.#limit.leave();
      }
      this.#resent++;
      const leftMs = throttledMs - (performance.now() - since);
      const wait = resendDelay({ number: throttled + failed, backoffMs, retryAfterSeconds, leftMs });
      await sleep(wait, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }
}

function isWithoutInstance(error: unknown): boolean {
  return error instanceof CloudServiceError && error.details.noInstance === true;
}
