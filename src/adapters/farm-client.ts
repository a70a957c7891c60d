import { setTimeout as sleep } from 'node:timers/promises';
import { type Cost, costOf, type FarmUse, useByTimings } from '../orchestrator/cost.ts';
import { parseJob, referenceTo } from '../orchestrator/job-orchestrator.ts';
import { readPlan } from '../orchestrator/plan-record.ts';
import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore } from '../storage/object-store.ts';
import type { CompositionRef } from '../types/composition.ts';
import {
  type ExecutionStatus,
  type Farm,
  type FarmProgress,
  farmResultSchema,
  type SegmentProgress,
} from '../types/farm.ts';
import type { FunctionName, FunctionSizes } from '../types/function-sizes.ts';
import { functionNames } from '../types/function-sizes.ts';
import type { Plan } from '../types/plan.ts';
import type { RenderJobInput } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { canonicalJson } from '../utils/digest.ts';
import { RemoteError, ValidationError } from '../utils/errors.ts';
import { retry } from '../utils/retry.ts';
import { cloudJob } from './cloud-job.ts';
import { summarizeHistory } from './execution-history.ts';
import { farmStore } from './farm.ts';
import { describeProgress, retriesOf, useSoFar } from './farm-progress.ts';
import type { FunctionConfig, LambdaFunctions } from './lambda-functions.ts';
import { ProgressReader } from './progress-reader.ts';
import { type Execution, nextName, RenderExecutions } from './render-executions.ts';
import { readFailure } from './render-failure.ts';
import type { StepFunctions } from './step-functions.ts';

export interface StartOptions {
  /** Where the composition is. @default its source, put into the farm's store */
  readonly ref?: CompositionRef | undefined;
  /** Segments at the same time at the most. @default what the farm and the account's quota allow */
  readonly capacity?: number | undefined;
}

export interface StartedRender {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly execution: string;
  /** False when this very job was started before; nothing was started now. */
  readonly started: boolean;
}

export interface WaitOptions {
  /** Ends the waiting; the render goes on. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FarmProgress) => void) | undefined;
  /** Milliseconds between two looks. @default 2000 */
  readonly pollMs?: number | undefined;
}

/** What a render cost, and of what. */
export interface RenderCost {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly functions: FarmUse['functions'];
  readonly sizes: FunctionSizes;
  readonly transitions: number;
  readonly cost: Cost;
}

/** Renders on a farm: starts, follows, cancels and resumes them. Close it when it is done with. */
export class FarmClient implements Disposable {
  readonly farm: Farm;
  readonly store: ObjectStore;
  readonly functions: LambdaFunctions;
  readonly #machine: StepFunctions;
  readonly #executions: RenderExecutions;
  #configs: Promise<Readonly<Record<FunctionName, FunctionConfig>>> | undefined;

  private constructor(farm: Farm, machine: StepFunctions, functions: LambdaFunctions) {
    this.farm = farm;
    this.store = farmStore(farm);
    this.#machine = machine;
    this.#executions = new RenderExecutions(machine, farm.name);
    this.functions = functions;
  }

  /** Loads the AWS SDK. */
  static async open(farm: Farm): Promise<FarmClient> {
    const [sfn, lambda] = await Promise.all([import('./step-functions.ts'), import('./lambda-functions.ts')]);
    return new FarmClient(farm, new sfn.StepFunctions(farm.stateMachineArn), new lambda.LambdaFunctions());
  }

  /**
   * Starts a render; its execution is named by the job's id. The same job a second time starts nothing.
   * @throws ValidationError when the id belongs to another job, or the job is too large
   */
  async startRender(input: RenderJobInput, { ref, capacity }: StartOptions = {}): Promise<StartedRender> {
    const job = cloudJob(parseJob(input));
    const { id } = job;
    const known = await this.#executions.find(id, id);
    const place = ref ?? (await referenceTo(input.composition.source, this.store));
    const event = { job, ref: place, ...(capacity === undefined ? {} : { capacity }) };
    if (!known && (await this.#machine.start(id, event)))
      return { id, status: 'running', execution: id, started: true };
    const first = known ?? (await this.#executions.first(id));
    if (canonical(first.input) !== canonical(JSON.stringify(event))) {
      throw new ValidationError(
        `The id ${id} belongs to another render of this farm. Leave --id out, or give another one.`,
        { details: { id, execution: first.name } },
      );
    }
    const { name, status } = await this.#executions.latest(id);
    return { id, status, execution: name, started: false };
  }

  /** Has the farm plan a job, and renders nothing. */
  async planRender(input: RenderJobInput, { ref, capacity }: StartOptions = {}): Promise<Plan> {
    const job = cloudJob(parseJob(input));
    const place = ref ?? (await referenceTo(input.composition.source, this.store));
    const event = { job, ref: place, ...(capacity === undefined ? {} : { capacity }) };
    await this.functions.invoke(this.farm.functions.plan, event);
    return readPlan(this.store, job.id);
  }

  /** @throws RenderNotFoundError */
  async getProgress(id: string): Promise<FarmProgress> {
    return this.#progress(await this.#executions.latest(id), new ProgressReader(this.store, id));
  }

  /**
   * Waits for a render to end.
   * @throws the render's own error when it failed; AbortedError when it was cancelled or `signal` fires
   */
  async waitForRender(id: string, options: WaitOptions = {}): Promise<RenderResult> {
    const { signal, onProgress, pollMs = 2000 } = options;
    const reader = new ProgressReader(this.store, id);
    for (;;) {
      throwIfAborted(signal);
      const execution = await retry(() => this.#executions.latest(id), { signal });
      if (onProgress) onProgress(await retry(() => this.#progress(execution, reader), { signal }));
      if (execution.status !== 'running') return this.#outcome(id, execution);
      await sleep(pollMs, undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }

  /** The result of a render that has ended. @throws as `waitForRender`; ValidationError while it runs */
  async getResult(id: string): Promise<RenderResult> {
    const execution = await this.#executions.latest(id);
    if (execution.status === 'running') {
      throw new ValidationError(`The render ${id} has not ended. Follow it with: helios-infra watch ${id}`, {
        details: { id, execution: execution.name },
      });
    }
    return this.#outcome(id, execution);
  }

  /** Stops a render; what is at work in a function comes to its end. Its segments stay. @returns its status after that */
  async cancelRender(id: string): Promise<ExecutionStatus> {
    const { name, status } = await this.#executions.latest(id);
    if (status !== 'running') return status;
    await this.#machine.stop(name, 'cancelled by its user');
    return 'cancelled';
  }

  /**
   * Starts a render that failed or was cancelled anew, as `<id>-r<n>`: what lies in the store is not rendered
   * again. Nothing is started when somebody else resumed it at the same time. A redrive would not do: it goes on at the state that records the failure, and with the old plan.
   */
  async resumeRender(id: string): Promise<StartedRender> {
    const last = await this.#executions.latest(id);
    if (last.status === 'running' || last.status === 'succeeded')
      return { id, status: last.status, execution: last.name, started: false };
    // The first error of an execution is kept; that of the one before must not stand for it.
    await this.store.delete(keys.error(id));
    const input: unknown = JSON.parse(last.input);
    for (let name = nextName(id, last.name); ; name = nextName(id, name)) {
      if (await this.#machine.start(name, input))
        return { id, status: 'running', execution: name, started: true };
      // Somebody else resumed it meanwhile, or another render has that name.
      const other = await this.#executions.find(name, id);
      if (other) return { id, status: other.status, execution: name, started: false };
    }
  }

  /**
   * What a render has used so far, at list prices; once it succeeded, by the same account as in its result.
   * @throws RenderNotFoundError
   */
  async getCost(id: string): Promise<RenderCost> {
    const execution = await this.#executions.latest(id);
    const { status, startedAt } = execution;
    const finished = await new ProgressReader(this.store, id).read(startedAt);
    const sizes = await this.sizes();
    const use = await this.#use(id, execution, finished);
    const { functions, transitions } = use;
    return { id, status, functions, sizes, transitions, cost: costOf(use, sizes) };
  }

  async #use(id: string, execution: Execution, finished: readonly SegmentProgress[]): Promise<FarmUse> {
    const { name, status } = execution;
    if (status === 'succeeded') {
      const { timings, segments } = await this.#outcome(id, execution);
      return useByTimings(timings, segments.total, segments.total + retriesOf(finished));
    }
    const summary = summarizeHistory(await this.#machine.history(name));
    return useSoFar({ status, summary, finished });
  }

  /** What the deployed functions have. */
  sizes(): Promise<Readonly<Record<FunctionName, FunctionConfig>>> {
    this.#configs ??= Promise.all(
      functionNames.map(
        async (name) => [name, await this.functions.config(this.farm.functions[name])] as const,
      ),
    ).then((entries) => Object.fromEntries(entries) as Record<FunctionName, FunctionConfig>);
    return this.#configs;
  }

  [Symbol.dispose](): void {
    this.#machine[Symbol.dispose]();
    this.functions[Symbol.dispose]();
  }

  async #progress(execution: Execution, reader: ProgressReader): Promise<FarmProgress> {
    const { name, status, startedAt, stoppedAt } = execution;
    const [events, finished, sizes] = await Promise.all([
      this.#machine.history(name),
      reader.read(startedAt),
      this.sizes(),
    ]);
    const summary = summarizeHistory(events);
    const counts =
      summary.mapRunArn === undefined ? undefined : await this.#machine.mapCounts(summary.mapRunArn);
    const until = stoppedAt ?? new Date();
    const parts = { id: reader.id, execution: name, status, startedAt, until };
    return describeProgress({ ...parts, summary, finished: finished as SegmentProgress[], counts, sizes });
  }

  async #outcome(id: string, execution: Execution): Promise<RenderResult> {
    const { name, status, output, error, cause } = execution;
    if (status !== 'succeeded')
      throw await readFailure(this.store, { id, status, execution: name, error, cause });
    // The output of an execution is bounded, and may lack what stands in the store.
    const kept = farmResultSchema.safeParse(await findJson(this.store, keys.result(id)));
    const told = kept.success
      ? kept
      : farmResultSchema.safeParse(output === undefined ? undefined : JSON.parse(output));
    if (told.success) return told.data as RenderResult;
    throw new RemoteError(`The render ${id} ended well, and there is no result of it in the store.`, {
      cause: told.error,
      details: { id, execution: name },
    });
  }
}

/** Step Functions may give back the input's JSON with other white space. */
function canonical(json: string): string {
  return canonicalJson(JSON.parse(json));
}
