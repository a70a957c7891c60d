import type { ServiceError } from '../src/types/service.ts';
import {
  AbortedError,
  AccessDeniedError,
  CredentialsError,
  FrameRangeError,
  HeliosError,
  NotFoundError,
  OutOfTimeError,
  ThrottledError,
  ValidationError,
  VersionMismatchError,
} from '../src/utils/errors.ts';

/** The first class that an error is of decides its status. */
const STATUSES = [
  [ValidationError, 400],
  [FrameRangeError, 400],
  [CredentialsError, 401],
  [AccessDeniedError, 403],
  [NotFoundError, 404],
  [VersionMismatchError, 409],
  [ThrottledError, 429],
  [AbortedError, 499],
  [OutOfTimeError, 504],
] as const;

/** HTTP status of an error: 503 when the same request may succeed later, 422 when it can't, 500 for a fault of ours. */
export function statusOf(error: unknown): number {
  const known = STATUSES.find(([type]) => error instanceof type);
  if (known) return known[1];
  if (!(error instanceof HeliosError)) return 500;
  return error.retryable ? 503 : 422;
}

/** Seconds after which a request is to be sent again; `undefined` when nothing is known. */
export function retryAfter(error: unknown): string | undefined {
  return statusOf(error) === 429 || statusOf(error) === 503 ? '1' : undefined;
}

export function errorBody(error: unknown): ServiceError {
  if (error instanceof HeliosError) return error.toJSON();
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return { name, message, retryable: false, details: {} };
}
