import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { errorCode } from '../utils/fs-errors.ts';

type RetryStrategy = Extract<
  NonNullable<S3ClientConfig['retryStrategy']>,
  { acquireInitialRetryToken: unknown }
>;
type RetryToken = Awaited<ReturnType<RetryStrategy['acquireInitialRetryToken']>>;
type RetryErrorInfo = Parameters<RetryStrategy['refreshRetryTokenForRetry']>[1];

const MAX_DELAY_MS = 5_000;
const BASE_DELAY_MS = { THROTTLING: 500, TRANSIENT: 100, SERVER_ERROR: 100 } as const;
/** Nobody listens there, or the name is not known: likely to stay so. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH']);
const UNREACHABLE_SECONDS = 10;

/**
 * Signed by a clock that was wrong. The SDK sets its clock by S3's answers, but sends again only the first of the
 * requests that were on their way.
 */
function isSkewed(error: unknown): boolean {
  return error instanceof Error && error.name === 'RequestTimeTooSkewed';
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
    const kind = isSkewed(info.error) ? 'TRANSIENT' : info.errorType;
    if (kind === 'CLIENT_ERROR') throw new Error('Not to be sent again.');
    const unreachable = UNREACHABLE.has(errorCode(info.error) ?? '');
    const seconds = unreachable ? Math.min(UNREACHABLE_SECONDS, this.#seconds) : this.#seconds;
    const count = spent.getRetryCount() + 1;
    const delay = Math.random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS[kind] * 2 ** (count - 1));
    if (performance.now() + delay - since > seconds * 1000) throw new Error('Out of time.');
    return token(count, delay, since);
  }

  recordSuccess(): void {}
}
