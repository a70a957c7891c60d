import { z } from 'zod';
import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore, putJson } from '../storage/object-store.ts';
import { renderErrorSchema } from '../types/farm.ts';
import type { FrameJob } from '../types/frame-job.ts';
import { frameRangeSchema, idSchema } from '../types/render-job.ts';
import { HeliosError, retryableErrorNames } from '../utils/errors.ts';
import type { HandlerContext } from './handler-context.ts';

/** The functions whose failures are recorded. */
const stepSchema = z.enum(['plan', 'render', 'audio', 'stitch']);
export type RenderStep = z.output<typeof stepSchema>;

export const failureEventSchema = z.object({
  id: idSchema,
  /** As a state machine catches it. */
  error: z.object({ Error: z.string().default('Unknown'), Cause: z.string().default('') }),
  /** @default render, with a segment */
  step: stepSchema.optional(),
  segment: z.object({ index: z.int().min(0), range: frameRangeSchema }).optional(),
  execution: z.string().optional(),
});
type FailureEvent = z.output<typeof failureEventSchema>;

/** What Lambda says of a function's error. */
const causeSchema = z.object({ errorMessage: z.string(), errorType: z.string().optional() });

/** `undefined` when the cause is other text, or was cut: Step Functions keeps 32,768 characters of it. */
function parseCause(cause: string): z.output<typeof causeSchema> | undefined {
  try {
    return causeSchema.parse(JSON.parse(cause));
  } catch {
    return undefined;
  }
}

function plain(error: unknown): { name: string; message: string; retryable: boolean; details: object } {
  if (error instanceof HeliosError) return error.toJSON();
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return { name, message, retryable: false, details: {} };
}

export interface FailedWork {
  readonly id: string;
  readonly step: RenderStep;
  /** Of the step `render`. */
  readonly segment?: Pick<FrameJob, 'index' | 'range'>;
}

function leftKey({ id, step, segment }: FailedWork): string | undefined {
  if (segment) return keys.segmentError(id, segment.index);
  return step === 'render' ? undefined : keys.stepError(id, step);
}

/**
 * Runs a function's work, and leaves what it knows of its failure beside the render, for the record.
 * @throws what `work` throws; never because the store does
 */
export async function leavingError<T>(
  store: ObjectStore,
  failed: FailedWork,
  { log }: HandlerContext,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const key = leftKey(failed);
    const { segment } = failed;
    if (key) await putJson(store, key, { ...plain(error), segment, log }).catch(() => {});
    throw error;
  }
}

/**
 * Writes `renders/<id>/error.json`, unless the same execution has written one: the first failure is the cause
 * of the others.
 * @param logGroups where the functions' logs lie, for those that ended without a word
 */
export async function recordFailure(
  store: ObjectStore,
  { id, error, step: told, segment, execution }: FailureEvent,
  logGroups: Readonly<Partial<Record<RenderStep, string>>>,
): Promise<{ readonly key: string }> {
  const key = keys.error(id);
  const before = renderErrorSchema.safeParse(await findJson(store, key)).data;
  if (before && execution !== undefined && before.execution === execution) return { key };
  const step = told ?? (segment && 'render');
  const cause = parseCause(error.Cause);
  const name = cause?.errorType ?? error.Error;
  const left = step ? await findLeft(store, { id, step, ...(segment ? { segment } : {}) }) : undefined;
  const known =
    left?.name === name && (cause === undefined || left.message === cause.errorMessage) ? left : undefined;
  const group = step && logGroups[step];
  await putJson(store, key, {
    name,
    message: (cause?.errorMessage ?? known?.message ?? error.Cause) || `The function ended with ${name}.`,
    retryable: retryableErrorNames().includes(name),
    details: known?.details ?? {},
    step,
    segment,
    execution,
    log: known?.log ?? (group ? { group } : undefined),
    at: new Date().toISOString(),
  });
  return { key };
}

async function findLeft(store: ObjectStore, failed: FailedWork) {
  const key = leftKey(failed);
  return key === undefined ? undefined : renderErrorSchema.safeParse(await findJson(store, key)).data;
}
