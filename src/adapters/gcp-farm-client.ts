import { setTimeout as sleep } from 'node:timers/promises';
import { bundledSource, parseJob, referenceTo } from '../orchestrator/job-orchestrator.ts';
import { GcsStore } from '../storage/gcs-store.ts';
import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore, putJson } from '../storage/object-store.ts';
import { type ExecutionStatus, type FarmProgress, farmResultSchema } from '../types/farm.ts';
import { executionRecordSchema, type GcpFarm, type RunExecution } from '../types/gcp-farm.ts';
import type { RenderJob, RenderJobInput } from '../types/render-job.ts';
import { type RenderResult, renderProgressSchema } from '../types/render-result.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { canonicalJson } from '../utils/digest.ts';
import { CloudServiceError, RemoteError, RenderNotFoundError, ValidationError } from '../utils/errors.ts';
import { retry } from '../utils/retry.ts';
import { cloudJob } from './cloud-job.ts';
import type { StartedRender, StartOptions, WaitOptions } from './farm-client.ts';
import type { RenderClient } from './render-client.ts';
import { readFailure } from './render-failure.ts';
import { RunJobs } from './run-jobs.ts';

const STARTING = {
  phase: 'bundle',
  framesDone: 0,
  framesTotal: 0,
  framesPerSecond: 0,
  secondsLeft: null,
} as const;
const NO_SEGMENTS = { total: 0, cached: 0, rendered: 0, inFlight: 0, retried: 0 };
const CANCEL_POLL_MS = 500;

export interface GcpFarmClientOptions {
  /** Seconds that a cancelled execution has to end. @default 30 */
  readonly cancelSeconds?: number | undefined;
}

/** Renders on a farm on Google Cloud: its Cloud Run Job drives them, so that they go on without this process. */
export class GcpFarmClient implements RenderClient {
  readonly store: ObjectStore;
  readonly #jobs: RunJobs;
  readonly #cancelMs: number;

  constructor(farm: GcpFarm, { cancelSeconds = 30 }: GcpFarmClientOptions = {}) {
    this.store = new GcsStore(`gs://${farm.bucket}`);
    this.#jobs = new RunJobs(farm);
    this.#cancelMs = cancelSeconds * 1000;
  }

  /**
   * Starts a render. The same job a second time starts nothing.
   * @throws ValidationError when the id belongs to another job, or a limit would not be kept; CloudServiceError when
   *   it is being cancelled and does not end
   */
  async startRender(input: RenderJobInput, { ref, capacity }: StartOptions = {}): Promise<StartedRender> {
    const job = cloudJob(parseJob(input));
    const { id } = job;
    if (job.budget?.maxCost !== undefined) {
      throw new ValidationError(
        'budget.maxCost: on Cloud Run nothing counts what a render costs. Leave --max-cost out, or limit it by --max-time.',
        { details: { field: 'budget.maxCost' } },
      );
    }
    const place = ref ?? (await referenceTo(input.composition.source, this.store));
    const source = place.kind === 'bundle' ? bundledSource(place) : place.url;
    const maxParallel = job.chunking.maxParallel ?? capacity;
    const sent: RenderJob = {
      ...job,
      composition: { ...job.composition, source },
      chunking: maxParallel === undefined ? job.chunking : { ...job.chunking, maxParallel },
    };
    const text = JSON.stringify(sent);
    const isNew = await this.store.putIfAbsent(keys.job(id), text, { contentType: 'application/json' });
    if (!isNew) {
      const known = await findJson(this.store, keys.job(id));
      if (canonicalJson(known) !== canonicalJson(JSON.parse(text))) {
        throw new ValidationError(
          `The id ${id} belongs to another render of this farm. Leave --id out, or give another one.`,
          { details: { id } },
        );
      }
      const found = await this.#find(id);
      if (found) {
        const execution = await this.#unlessCancelling(found);
        return { id, status: statusOf(execution), execution: shortName(execution), started: false };
      }
    }
    return this.#start(id);
  }

  /** @throws RenderNotFoundError */
  async getProgress(id: string): Promise<FarmProgress> {
    return this.#progress(id, await this.#latest(id));
  }

  /**
   * Waits for a render to end.
   * @throws the render's own error when it failed; AbortedError when it was cancelled or `signal` fires
   */
  async waitForRender(id: string, options: WaitOptions = {}): Promise<RenderResult> {
    const { signal, onProgress, pollMs = 2000 } = options;
    for (;;) {
      throwIfAborted(signal);
      const execution = await retry(() => this.#latest(id), { signal });
      if (onProgress) onProgress(await retry(() => this.#progress(id, execution), { signal }));
      if (statusOf(execution) !== 'running') return this.#outcome(id, execution);
      await sleep(pollMs, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }

  /** The result of a render that has ended. @throws as `waitForRender`; ValidationError while it runs */
  async getResult(id: string): Promise<RenderResult> {
    const found = await this.#find(id);
    const kept = found ? undefined : (await this.#result(id)).data;
    if (kept) return kept as RenderResult;
    const execution = found ?? (await this.#latest(id));
    if (statusOf(execution) !== 'running') return this.#outcome(id, execution);
    throw new ValidationError(
      `The render ${id} has not ended. Follow it with: helios-infra watch ${id} --on cloud-run`,
      { details: { id, execution: shortName(execution) } },
    );
  }

  /**
   * Stops a render, and waits until it has ended; its finished segments stay.
   * @returns its status after that
   * @throws CloudServiceError when it does not end
   */
  async cancelRender(id: string): Promise<ExecutionStatus> {
    const execution = await this.#latest(id);
    const status = statusOf(execution);
    if (status !== 'running') return status;
    await this.#jobs.cancel(execution.name);
    return statusOf(await this.#untilEnded(execution.name));
  }

  /**
   * Starts a new execution of a render that failed or was cancelled, or whose execution Cloud Run has no longer; what
   * lies in the store is not rendered again.
   * @throws CloudServiceError when it is being cancelled and does not end; RenderNotFoundError
   */
  async resumeRender(id: string): Promise<StartedRender> {
    const found = await this.#find(id);
    if (found) {
      const last = await this.#unlessCancelling(found);
      const status = statusOf(last);
      if (status === 'running' || status === 'succeeded')
        return { id, status, execution: shortName(last), started: false };
    } else if (!(await this.store.head(keys.job(id)))) throw this.#notFound(id);
    // Both tell of the execution before.
    await Promise.all([keys.error(id), keys.progressOfRun(id)].map((key) => this.store.delete(key)));
    return this.#start(id);
  }

  [Symbol.dispose](): void {}

  async #start(id: string): Promise<StartedRender> {
    const name = await this.#jobs.run({ HELIOS_RENDER: id });
    await putJson(this.store, keys.execution(id), { name });
    return { id, status: 'running', execution: shortName({ name }), started: true };
  }

  async #find(id: string): Promise<RunExecution | undefined> {
    const record = executionRecordSchema.safeParse(await findJson(this.store, keys.execution(id))).data;
    return record && this.#jobs.execution(record.name);
  }

  async #latest(id: string): Promise<RunExecution> {
    const execution = await this.#find(id);
    if (execution) return execution;
    if (!(await this.store.head(keys.execution(id)))) throw this.#notFound(id);
    throw new RenderNotFoundError(
      `Cloud Run no longer has the execution of the render ${id}. Its finished segments are kept; go on with: helios-infra resume ${id} --on cloud-run`,
      { details: { id } },
    );
  }

  #notFound(id: string): RenderNotFoundError {
    return new RenderNotFoundError(`No render ${id} was started on this farm (${this.store.url}).`, {
      details: { id },
    });
  }

  async #result(id: string) {
    return farmResultSchema.safeParse(await findJson(this.store, keys.result(id)));
  }

  /** The execution, or once it has ended when it is being cancelled. */
  async #unlessCancelling(execution: RunExecution): Promise<RunExecution> {
    return hasReason(execution, 'CANCELLING') ? this.#untilEnded(execution.name) : execution;
  }

  async #untilEnded(name: string): Promise<RunExecution> {
    const since = performance.now();
    for (;;) {
      const execution = await this.#jobs.execution(name);
      if (!execution)
        throw new CloudServiceError(`Cloud Run no longer has the execution ${shortName({ name })}.`, {
          details: { execution: name },
        });
      if (execution.completionTime !== undefined) return execution;
      const left = this.#cancelMs - (performance.now() - since);
      if (left <= 0) {
        throw new CloudServiceError(
          `The execution ${shortName(execution)} was told to stop, and has not ended within ${this.#cancelMs / 1000} s. Try again a little later.`,
          { details: { execution: name, seconds: this.#cancelMs / 1000 } },
        );
      }
      await sleep(Math.min(CANCEL_POLL_MS, left));
    }
  }

  async #progress(id: string, execution: RunExecution): Promise<FarmProgress> {
    const { createTime, completionTime } = execution;
    const status = statusOf(execution);
    const told = renderProgressSchema.safeParse(await findJson(this.store, keys.progressOfRun(id))).data;
    const progress = told ?? { ...STARTING, segments: NO_SEGMENTS };
    const { total, cached, rendered, inFlight } = progress.segments;
    const until = completionTime ? new Date(completionTime) : new Date();
    const atWork = status === 'running' ? inFlight : 0;
    return {
      ...progress,
      id,
      status,
      execution: shortName(execution),
      startedAt: createTime,
      elapsedSeconds: Math.max(0, (until.getTime() - Date.parse(createTime)) / 1000),
      segments: {
        ...progress.segments,
        inFlight: atWork,
        queued: Math.max(0, total - cached - rendered - atWork),
        failed: 0,
      },
    };
  }

  async #outcome(id: string, execution: RunExecution): Promise<RenderResult> {
    const status = statusOf(execution);
    const told = shortName(execution);
    const resume = `helios-infra resume ${id} --on cloud-run`;
    if (status !== 'succeeded') throw await readFailure(this.store, { id, status, execution: told, resume });
    const kept = await this.#result(id);
    if (kept.success) return kept.data as RenderResult;
    throw new RemoteError(`The render ${id} ended well, and there is no result of it in the store.`, {
      cause: kept.error,
      details: { id, execution: told },
    });
  }
}

function shortName({ name }: { readonly name: string }): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function hasReason({ conditions }: RunExecution, reason: 'CANCELLING' | 'CANCELLED'): boolean {
  return conditions.some(({ executionReason }) => executionReason === reason);
}

function statusOf(execution: RunExecution): ExecutionStatus {
  const { completionTime, succeededCount, cancelledCount } = execution;
  if (completionTime === undefined) return 'running';
  if (succeededCount > 0) return 'succeeded';
  return cancelledCount > 0 || hasReason(execution, 'CANCELLED') ? 'cancelled' : 'failed';
}
