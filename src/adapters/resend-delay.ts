const LONGEST_BACKOFF_MS = 20_000;

export interface Resend {
  /** Which attempt beyond the first it is, from 1. */
  readonly number: number;
  /** Upper bound of the first wait, in milliseconds; doubles each time, up to 20 s. */
  readonly backoffMs: number;
  /** Seconds that the other side asked for. @default none */
  readonly retryAfterSeconds?: number | undefined;
  /** Milliseconds in which it may still be sent again: what is asked for beyond that is not waited for. */
  readonly leftMs: number;
}

/** Milliseconds to wait: a random part of the backoff, after what the other side asked for. */
export function resendDelay({ number, backoffMs, retryAfterSeconds = 0, leftMs }: Resend): number {
  const bound = Math.min(LONGEST_BACKOFF_MS, backoffMs * 2 ** (number - 1));
  const least = Math.min(retryAfterSeconds * 1000, Math.max(0, leftMs));
  return least + Math.random() * bound;
}
