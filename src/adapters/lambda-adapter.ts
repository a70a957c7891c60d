import { setTimeout as sleep } from 'node:timers/promises';
import type { CloudAdapter, FrameJobContext, FrameWorker } from '../types/contracts.ts';
import { type FrameJob, type FrameResult, frameResultSchema } from '../types/frame-job.ts';
import type { AdapterStatus } from '../types/render-result.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { RemoteError, ThrottledError, VersionMismatchError } from '../utils/errors.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import type { LambdaFunctions } from './lambda-functions.ts';

export interface LambdaAdapterOptions {
  /** Name or ARN of a farm's render function. */
  readonly functionName: string;
  /** Invocations at the same time. @default 100 */
  readonly concurrency?: number | undefined;
  /** Upper bound of the first wait after a throttled invocation, in milliseconds; doubles each time. @default 500 */
  readonly backoffMs?: number | undefined;
  /** Seconds that a frame job is sent again for while Lambda throttles it. @default 1800 */
  readonly throttledSeconds?: number | undefined;
}

const LONGEST_BACKOFF_MS = 20_000;

/**
 * Runs frame jobs on a farm's render function, which reads and writes the farm's store: the orchestrator's worker
 * must be over the same one. Throttled invocations wait, and fewer are made at a time until it goes well again.
 */
export class LambdaAdapter implements CloudAdapter {
  readonly #functionName: string;
  readonly #limit: AdaptiveLimit;
  readonly #concurrency: number;
  readonly #backoffMs: number;
  readonly #throttledMs: number;
  #functions: Promise<LambdaFunctions> | undefined;
  #completed = 0;
  #failed = 0;

  constructor({ functionName, concurrency = 100, backoffMs = 500, ...rest }: LambdaAdapterOptions) {
    this.#functionName = functionName;
    this.#concurrency = concurrency;
    this.#backoffMs = backoffMs;
    this.#throttledMs = (rest.throttledSeconds ?? 1800) * 1000;
    this.#limit = new AdaptiveLimit(concurrency);
  }

  /**
   * @throws VersionMismatchError when the function is of another version than the job; ThrottledError,
   *   FunctionCrashedError, CloudServiceError, AbortedError, and what the function throws
   */
  async invoke(_worker: FrameWorker, job: FrameJob, { signal }: FrameJobContext = {}): Promise<FrameResult> {
    try {
      const result = await this.#send(job, signal);
      this.#completed++;
      return result;
    } catch (error) {
      this.#failed++;
      throwIfAborted(signal);
      throw error;
    }
  }

  /** `capacity` is what it works with now: less than asked for after throttling. */
  getStatus(): AdapterStatus {
    return {
      name: 'lambda',
      capacity: this.#limit.limit,
      inFlight: this.#limit.atWork,
      completed: this.#completed,
      failed: this.#failed,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.#functions)?.[Symbol.dispose]();
  }

  async #send(job: FrameJob, signal: AbortSignal | undefined): Promise<FrameResult> {
    const since = performance.now();
    for (let attempt = 0; ; attempt++) {
      const round = await this.#limit.enter(signal);
      try {
        const answer = await (await this.#open()).invoke(this.#functionName, job, signal);
        const result = this.#check(job, answer);
        this.#limit.succeeded();
        return result;
      } catch (error) {
        if (!(error instanceof ThrottledError)) throw error;
        this.#limit.overloaded(round);
        if (performance.now() - since > this.#throttledMs) throw error;
      } finally {
        this.#limit.leave();
      }
      const bound = Math.min(LONGEST_BACKOFF_MS, this.#backoffMs * 2 ** attempt);
      await sleep(Math.random() * bound, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }

  #check(job: FrameJob, answer: unknown): FrameResult {
    const { workerVersion } = (answer ?? {}) as { workerVersion?: unknown };
    if (typeof workerVersion === 'string' && workerVersion !== job.workerVersion) {
      throw new VersionMismatchError(
        `The job was planned for worker ${job.workerVersion}, and the function ${this.#functionName} is ${workerVersion}. Deploy the same version.`,
        { details: { planned: job.workerVersion, worker: workerVersion } },
      );
    }
    const parsed = frameResultSchema.safeParse(answer);
    if (parsed.success && parsed.data.segmentKey === job.segmentKey) return parsed.data;
    throw new RemoteError(
      `The function ${this.#functionName} is no render function: its answer is no segment.`,
      {
        cause: parsed.error,
        details: { function: this.#functionName, index: job.index },
      },
    );
  }

  #open(): Promise<LambdaFunctions> {
    this.#functions ??= import('./lambda-functions.ts').then(
      (module) => new module.LambdaFunctions(this.#concurrency),
    );
    return this.#functions;
  }
}
