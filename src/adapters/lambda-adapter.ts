import type { CloudAdapter, FrameJobContext, FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import type { AdapterStatus } from '../types/render-result.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { checkFrameResult } from './check-frame-result.ts';
import type { LambdaFunctions } from './lambda-functions.ts';
import { RemoteCalls } from './remote-calls.ts';

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

/**
 * Runs frame jobs on a farm's render function, which reads and writes the farm's store: the orchestrator's worker
 * must be over the same one. Throttled invocations wait, and fewer are made at a time until it goes well again.
 */
export class LambdaAdapter implements CloudAdapter {
  readonly #functionName: string;
  readonly #calls: RemoteCalls;
  readonly #concurrency: number;
  #functions: Promise<LambdaFunctions> | undefined;
  #completed = 0;
  #failed = 0;

  constructor({ functionName, concurrency = 100, backoffMs = 500, ...rest }: LambdaAdapterOptions) {
    this.#functionName = functionName;
    this.#concurrency = concurrency;
    const throttledMs = (rest.throttledSeconds ?? 1800) * 1000;
    this.#calls = new RemoteCalls({ concurrency, backoffMs, throttledMs });
  }

  /**
   * @throws VersionMismatchError when the function is of another version than the job; ThrottledError,
   *   FunctionCrashedError, CloudServiceError, AbortedError, and what the function throws
   */
  async invoke(_worker: FrameWorker, job: FrameJob, { signal }: FrameJobContext = {}): Promise<FrameResult> {
    try {
      const result = await this.#calls.call(async () => {
        const answer = await (await this.#open()).invoke(this.#functionName, job, signal);
        return checkFrameResult(job, answer, `the function ${this.#functionName}`);
      }, signal);
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
      capacity: this.#calls.capacity,
      inFlight: this.#calls.inFlight,
      completed: this.#completed,
      failed: this.#failed,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.#functions)?.[Symbol.dispose]();
  }

  #open(): Promise<LambdaFunctions> {
    this.#functions ??= import('./lambda-functions.ts').then(
      (module) => new module.LambdaFunctions(this.#concurrency),
    );
    return this.#functions;
  }
}
