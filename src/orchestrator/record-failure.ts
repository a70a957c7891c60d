import { z } from 'zod';
import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore, putJson } from '../storage/object-store.ts';
import { renderErrorSchema } from '../types/farm.ts';
import type { FrameJob } from '../types/frame-job.ts';
import { frameRangeSchema, idSchema } from '../types/render-job.ts';
import { HeliosError, retryableErrorNames } from '../utils/errors.ts';
import type { HandlerContext } from './handler-context.ts';

export const failureEventSchema = z.object({
  id: idSchema,
  /** As a state machine catches it. */
  error: z.object({ Error: z.string().default('Unknown'), Cause: z.string().default('') }),
  segment: z.object({ index: z.int().min(0), range: frameRangeSchema }).optional(),
  execution: z.string().optional(),
});
type FailureEvent = z.output<typeof failureEventSchema>;

/** What Lambda says of a function's error. */
const causeSchema = z.object({ errorMessage: z.string(), errorType: z.string().optional() });

function parseCause(cause: string): z.output<typeof causeSchema> {
  try {
    return causeSchema.parse(JSON.parse(cause));
  } catch {
    return { errorMessage: cause };
  }
}

function plain(error: unknown): { name: string; message: string; retryable: boolean; details: object } {
  if (error instanceof HeliosError) return error.toJSON();
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return { name, message, retryable: false, details: {} };
}

/** Leaves what a worker knows of its failure beside the render, for the record; never throws. */
export async function leaveSegmentError(
  store: ObjectStore,
  { jobId, index, range }: Pick<FrameJob, 'jobId' | 'index' | 'range'>,
  error: unknown,
  { log }: HandlerContext,
): Promise<void> {
  await putJson(store, keys.segmentError(jobId, index), {
    ...plain(error),
    segment: { index, range },
    log,
  }).catch(() => {});
}

/**
 * Writes `renders/<id>/error.json`, unless the same execution has written one: the first failure is the cause
 * of the others.
 * @param logGroup where the log of the function lies whose end is recorded
 */
export async function recordFailure(
  store: ObjectStore,
  { id, error, segment, execution }: FailureEvent,
  logGroup: string | undefined,
): Promise<{ readonly key: string }> {
  const key = keys.error(id);
  const before = renderErrorSchema.safeParse(await findJson(store, key)).data;
  if (before && execution !== undefined && before.execution === execution) return { key };
  const { errorMessage, errorType = error.Error } = parseCause(error.Cause);
  const left = segment
    ? renderErrorSchema.safeParse(await findJson(store, keys.segmentError(id, segment.index))).data
    : undefined;
  const known = left?.name === errorType && left.message === errorMessage ? left : undefined;
  await putJson(store, key, {
    name: errorType,
    message: errorMessage || `The function ended with ${error.Error}.`,
    retryable: retryableErrorNames().includes(errorType),
    details: known?.details ?? {},
    segment,
    execution,
    log: known?.log ?? (logGroup ? { group: logGroup } : undefined),
    at: new Date().toISOString(),
  });
  return { key };
}
