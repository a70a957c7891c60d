import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore } from '../storage/object-store.ts';
import { type ExecutionStatus, renderErrorSchema } from '../types/farm.ts';
import { AbortedError, type HeliosError, RemoteError } from '../utils/errors.ts';
import { reviveError } from '../utils/revive-error.ts';

export interface EndedExecution {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly execution: string;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

/**
 * Why a render on a farm did not come to its output: the error of its error.json as the class of its name, with
 * segment, frames and execution in `details`.
 */
export async function readFailure(store: ObjectStore, ended: EndedExecution): Promise<HeliosError> {
  const { id, status, execution } = ended;
  if (status === 'cancelled') {
    return new AbortedError(
      `The render ${id} was cancelled${ended.cause ? `: ${ended.cause}` : ''}. Its segments stay; go on with: helios-infra resume ${id}`,
      { details: { id, execution } },
    );
  }
  const recorded = renderErrorSchema.safeParse(await findJson(store, keys.error(id)));
  if (!recorded.success) {
    return new RemoteError(
      status === 'timed-out'
        ? `The render ${id} took longer than the farm allows. Its segments stay; go on with: helios-infra resume ${id}`
        : `The render ${id} failed: ${ended.error ?? 'unknown error'}${ended.cause ? `: ${ended.cause}` : ''}`,
      { details: { id, execution, errorType: ended.error } },
    );
  }
  const { name, message, details, segment, ...rest } = recorded.data;
  const frames = segment && `${segment.range[0]}–${segment.range[1] - 1}`;
  const where = segment ? { segment: segment.index, frames } : {};
  const { retryable: _, execution: __, ...more } = rest;
  return reviveError(name, message, {
    details: { ...details, ...where, id, execution, ...more, record: `${store.url}/${keys.error(id)}` },
  });
}
