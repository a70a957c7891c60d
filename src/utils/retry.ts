import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from './abort.ts';
import { HeliosError } from './errors.ts';

export interface RetryOptions {
  /** Calls at the most, the first included. @default 4 */
  readonly attempts?: number;
  /** Upper bound of the first wait in milliseconds; doubles each time. @default 500 */
  readonly baseMs?: number;
  /** Upper bound of any wait in milliseconds. @default 20000 */
  readonly maxMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: (error: unknown, attempt: number) => void;
}

/**
 * Calls `work` until it succeeds, fails with an error that is not `retryable`, or is out of attempts. Waits a
 * uniformly random time below an exponential bound between two calls ("full jitter", AWS Architecture Blog,
 * Exponential Backoff And Jitter, 2015).
 */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 4, baseMs = 500, maxMs = 20_000, signal, onRetry } = options;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    try {
      return await work(attempt);
    } catch (error) {
      const retryable = error instanceof HeliosError && error.retryable;
      if (!retryable || attempt >= attempts || signal?.aborted) throw error;
      onRetry?.(error, attempt);
      const bound = Math.min(maxMs, baseMs * 2 ** (attempt - 1));
      await sleep(Math.random() * bound, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }
}
