import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { errorCode } from '../utils/fs-errors.ts';

type RetryStrategy = Extract<
  NonNullable<S3ClientConfig['retryStrategy']>,
  { acquireInitialRetryToken: unknown }
>;
type RetryToken = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>;
type RetryErrorInfo = Parameters<RetryStrategy['refreshRetryTokenForRetry']>[1];

const MAX_DELAY_MS = 5_000;
/** A clock that is set may be set again before long. */
const MAX_SKEWED_DELAY_MS = 500;
const BASE_DELAY_MS = { THROTTLING: 500, TRANSIENT: 100, SERVER_ERROR: 100, SKEWED: 100 } as const;
/** S3's answers of 400 to 499 that pass by themselves. */
const PASSING = new Set(['RequestTimeout']);
/** Nobody listens there, or the name is not known: likely to stay so. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH']);
const UNREACHABLE_SECONDS = 10;

type Kind = RetryErrorInfo['errorType'] | 'SKEWED';

interface SdkError extends Error {
  readonly $metadata?: { readonly clockSkewCorrected?: boolean; readonly httpStatusCode?: number };
}

/**
 * What to do about an error. The SDK sets its clock by the date of every answer, and calls each error transient after
 * which it did so by four minutes or more: a missing object too, on a machine whose clock is that wrong. On the other
 * hand it sends again only the first of the requests that were signed by the wrong clock.
 */
function kindOf({ error, errorType }: RetryErrorInfo): Kind {
  const { name, $metadata = {} } = error as SdkError;
  if (name === 'RequestTimeTooSkewed') return 'SKEWED';
  const { clockSkewCorrected = false, httpStatusCode = 0 } = $metadata;
  const refused = httpStatusCode >= 400 && httpStatusCode < 500 && !PASSING.has(name);
  return clockSkewCorrected && errorType === 'TRANSIENT' && refused ? 'CLIENT_ERROR' : errorType;
}

interface TimedToken extends RetryToken {
  readonly since: number;
}

function token(count: number, delay: number, since: number): TimedToken {
  return { getRetryCount: () => count, getRetryDelay: () => delay, since };
}

/**
 * Sends a request again for as long as its time lasts, with full jitter below an exponential bound. The SDK's own
 * strategies count attempts and share a budget between requests, which many uploads at once use up in seconds.
 */
export class TimedRetry implements RetryStrategy {
  readonly #seconds: number;

  /** @param seconds no request is sent again later than that after its first attempt */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  async acquireInitialRetryToken(): Promise<RetryToken> {
    return token(0, 0, performance.now());
  }

  async refreshRetryTokenForRetry(spent: RetryToken, info: RetryErrorInfo): Promise<RetryToken> {
    const { since } = spent as TimedToken;
    const kind = kindOf(info);
    if (kind === 'CLIENT_ERROR') throw new Error('Not to be sent again.');
    const unreachable = UNREACHABLE.has(errorCode(info.error) ?? '');
    const seconds = unreachable ? Math.min(UNREACHABLE_SECONDS, this.#seconds) : this.#seconds;
    const count = spent.getRetryCount() + 1;
    const bound = kind === 'SKEWED' ? MAX_SKEWED_DELAY_MS : MAX_DELAY_MS;
    const delay = Math.random() * Math.min(bound, BASE_DELAY_MS[kind] * 2 ** (count - 1));
    if (performance.now() + delay - since > seconds * 1000) throw new Error('Out of time.');
    return token(count, delay, since);
  }

  recordSuccess(): void {}
}
