import { CloudRunAdapter, type CloudRunAdapterOptions } from '../src/adapters/cloud-run-adapter.ts';
import { JobOrchestrator } from '../src/orchestrator/job-orchestrator.ts';
import { keys } from '../src/storage/keys.ts';
import { findJson, type ObjectStore, putJson, readJson } from '../src/storage/object-store.ts';
import { renderErrorSchema } from '../src/types/farm.ts';
import { renderJobSchema } from '../src/types/render-job.ts';
import type { RenderResult } from '../src/types/render-result.ts';
import { HeliosError, ValidationError } from '../src/utils/errors.ts';
import { reviveError } from '../src/utils/revive-error.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { ProgressRecord } from './progress-record.ts';

export interface StoredJobOptions {
  readonly store: ObjectStore;
  /** Of the job, which lies at `renders/<id>/job.json`. */
  readonly id: string;
  /** Names this execution; its attempts have the same. */
  readonly execution: string;
  readonly service: CloudRunAdapterOptions;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Drives a job that lies in the store: frame jobs go to the service, plan, sound and joining are done here. Writes
 * `progress.json` every two seconds, the output, and `result.json` or `error.json`. What an earlier attempt finished
 * is found; what it failed at for good is not tried again.
 * @throws as JobOrchestrator.run
 */
export async function renderStoredJob(options: StoredJobOptions): Promise<RenderResult> {
  const { store, id, execution, service, signal } = options;
  await throwEarlierError(store, id, execution);
  const parsed = renderJobSchema.safeParse(await readJson(store, keys.job(id)));
  if (!parsed.success) throw ValidationError.fromZod(keys.job(id), parsed.error);
  const job = parsed.data;
  await using worker = new ChromiumFrameWorker(store);
  using adapter = new CloudRunAdapter(service);
  await using record = new ProgressRecord(store, id);
  try {
    return await new JobOrchestrator(worker, adapter).run(job, {
      signal,
      onProgress: (progress) => record.update(progress),
      intoStore: true,
    });
  } catch (error) {
    const { name: errorName, message } = error as Error;
    const known =
      error instanceof HeliosError
        ? error.toJSON()
        : { name: errorName, message, retryable: false, details: {} };
    const failure = { ...known, execution, at: new Date().toISOString() };
    await putJson(store, keys.error(id), failure).catch(() => {});
    throw error;
  }
}

/** Throws what an earlier attempt of this execution failed at, when it can't heal. */
async function throwEarlierError(store: ObjectStore, id: string, execution: string): Promise<void> {
  const found = renderErrorSchema.safeParse(await findJson(store, keys.error(id))).data;
  if (found?.execution !== execution) return;
  const error = reviveError(found.name, found.message, { details: found.details });
  if (!error.retryable && error.name !== 'AbortedError') throw error;
}
