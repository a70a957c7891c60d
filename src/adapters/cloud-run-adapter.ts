import type { CloudAdapter, FrameJobContext, FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import type { AdapterStatus } from '../types/render-result.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { checkFrameResult } from './check-frame-result.ts';
import { CloudRunService } from './cloud-run-service.ts';
import type { IdTokenSource } from './id-token.ts';
import { RemoteCalls } from './remote-calls.ts';

export interface CloudRunAdapterOptions {
  /** Address of the service, such as `https://helios-default-123.europe-west1.run.app`. */
  readonly url: string;
  /** Requests at the same time. @default 100 */
  readonly concurrency?: number | undefined;
  /** Seconds that a frame job has on the service; above 3600 Cloud Run ends it. @default 900 */
  readonly timeoutSeconds?: number | undefined;
  /** Upper bound of the first wait after a refused request, in milliseconds; doubles each time. @default 500 */
  readonly backoffMs?: number | undefined;
  /**
   * Seconds that a frame job is sent again for while the service throttles it; they bound what `Retry-After` asks for.
   * @default 1800
   */
  readonly throttledSeconds?: number | undefined;
  /** Attempts at a frame job whose connection broke, or whose answer was 5xx. @default 6 */
  readonly attempts?: number | undefined;
  /** Gives the ID tokens; `null` sends none. @default those of the application default credentials */
  readonly idToken?: IdTokenSource | null | undefined;
  /** Whom the ID tokens are for. @default the address */
  readonly audience?: string | undefined;
}

/**
 * Runs frame jobs on a service on Cloud Run, which reads and writes its own store: the orchestrator's worker must
 * be over the same one. Requests that are refused or dropped are sent again, no sooner than `Retry-After` says, and
 * fewer at a time after 429, and after 500 and 503 of no instance, until it goes well again. Dispose of it to close its
 * connections.
 */
export class CloudRunAdapter implements CloudAdapter, Disposable {
  readonly #service: CloudRunService;
  readonly #calls: RemoteCalls;
  #completed = 0;
  #failed = 0;

  /** @throws ValidationError for an address that is none */
  constructor({ url, concurrency = 100, timeoutSeconds = 900, ...rest }: CloudRunAdapterOptions) {
    const { backoffMs = 500, throttledSeconds = 1800, attempts = 6, idToken, audience } = rest;
    this.#service = new CloudRunService({ url, concurrency, timeoutSeconds, idToken, audience });
    const throttledMs = throttledSeconds * 1000;
    this.#calls = new RemoteCalls({ concurrency, backoffMs, throttledMs, attempts });
  }

  /**
   * @throws VersionMismatchError when the service is of another version than the job; ThrottledError,
   *   CloudServiceError, OutOfTimeError, CredentialsError, AccessDeniedError, AbortedError, and what the service throws
   */
  async invoke(_worker: FrameWorker, job: FrameJob, { signal }: FrameJobContext = {}): Promise<FrameResult> {
    const { workerVersion } = job;
    try {
      const result = await this.#calls.call(async () => {
        const answer = await this.#service.post('render', job, { workerVersion, signal });
        return checkFrameResult(job, answer, `the service ${this.#service.url}`);
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
      name: 'cloud-run',
      capacity: this.#calls.capacity,
      inFlight: this.#calls.inFlight,
      completed: this.#completed,
      failed: this.#failed,
      resent: this.#calls.resent,
      instances: this.#service.instances,
    };
  }

  [Symbol.dispose](): void {
    this.#service[Symbol.dispose]();
  }
}
