import { AbortedError, OutOfTimeError } from '../utils/errors.ts';

/** What a function knows of its own run. */
export interface HandlerContext {
  /** Milliseconds until it is cut off. @default no limit */
  readonly remainingMs?: number | undefined;
  /** Ends the work with an `AbortedError`: nobody waits for it any more. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Where its log is, for the record of a failure. */
  readonly log?: { readonly group: string; readonly stream: string; readonly requestId: string } | undefined;
}

/** Frame jobs that may be at work at the same time in all. */
export interface Capacity {
  readonly segments: number;
  /** Why it may be less than it could be; stands in the plan and the result. */
  readonly warning?: string | undefined;
}

/** The context of a call that is given up after so many seconds. */
export function shorter(context: HandlerContext, seconds: number | undefined): HandlerContext {
  if (seconds === undefined) return context;
  return {
    ...context,
    remainingMs: Math.min(seconds * 1000, context.remainingMs ?? Number.POSITIVE_INFINITY),
  };
}

/** Kept for telling the error and tidying up, before a function would be cut off. */
const RESERVE_MS = 5_000;

/**
 * Runs `work` and ends it shortly before the function's time is over.
 * @param told what was being done, and what its end would need, for the message
 * @throws OutOfTimeError
 */
export async function withinTime<T>(
  { remainingMs, signal: outer }: HandlerContext,
  told: () => { readonly what: string; readonly details?: Record<string, unknown> },
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (remainingMs === undefined) return await work(outer);
  const controller = new AbortController();
  const signal = outer ? AbortSignal.any([outer, controller.signal]) : controller.signal;
  const allowed = Math.max(remainingMs / 2, remainingMs - RESERVE_MS);
  const timer = setTimeout(() => controller.abort(), allowed);
  try {
    return await work(signal);
  } catch (error) {
    if (!controller.signal.aborted || outer?.aborted || !(error instanceof AbortedError)) throw error;
    const { what, details } = told();
    throw new OutOfTimeError(
      `${what} was not done within the ${Math.round(allowed / 1000)} s that it had. Give it more time, or cut the video into more segments (chunking).`,
      { cause: error, details: { ...details, allowedMs: Math.round(allowed) } },
    );
  } finally {
    clearTimeout(timer);
  }
}
