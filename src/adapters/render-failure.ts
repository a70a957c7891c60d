import type { z } from 'zod';
import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore } from '../storage/object-store.ts';
import { type ExecutionStatus, renderErrorSchema } from '../types/farm.ts';
import { AbortedError, type HeliosError, RemoteError } from '../utils/errors.ts';
import { reviveError } from '../utils/revive-error.ts';

export type RenderErrorRecord = z.output<typeof renderErrorSchema>;

/** What a render's error.json says; `undefined` when there is none. */
export async function farmErrorOf(store: ObjectStore, id: string): Promise<RenderErrorRecord | undefined> {
  return renderErrorSchema.safeParse(await findJson(store, keys.error(id))).data;
}

export interface EndedExecution {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly execution: string;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
  /** How a person goes on with it. @default `helios-infra resume ID` */
  readonly resume?: string | undefined;
}

/**
 * Why a render on a farm did not come to its output: the error of its error.json as the class of its name, with
 * segment, frames and execution in `details`.
 */
export async function readFailure(store: ObjectStore, ended: EndedExecution): Promise<HeliosError> {
  const { id, status, execution, resume = `helios-infra resume ${id}` } = ended;
  if (status === 'cancelled') {
    return new AbortedError(
      `The render ${id} was cancelled${ended.cause ? `: ${ended.cause}` : ''}. Its segments stay; go on with: ${resume}`,
      { details: { id, execution } },
    );
  }
  const recorded = await farmErrorOf(store, id);
  if (!recorded) {
    return new RemoteError(
      status === 'timed-out'
        ? `The render ${id} took longer than the farm allows. Its segments stay; go on with: ${resume}`
        : `The render ${id} failed: ${ended.error ?? 'unknown error'}${ended.cause ? `: ${ended.cause}` : ''}`,
      { details: { id, execution, errorType: ended.error } },
    );
  }
  const { name, message, details, segment, ...rest } = recorded;
  const frames = segment && `${segment.range[0]}–${segment.range[1] - 1}`;
  const where = segment ? { segment: segment.index, frames } : {};
  const { retryable: _, execution: __, ...more } = rest;
  return reviveError(name, message, {
    details: { ...details, ...where, id, execution, ...more, record: `${store.url}/${keys.error(id)}` },
  });
}
