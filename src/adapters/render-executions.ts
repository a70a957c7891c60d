import type { ExecutionStatus } from '../types/farm.ts';
import { RenderNotFoundError } from '../utils/errors.ts';
import type { StepFunctions } from './step-functions.ts';

/** One run of a render: its first, or one that resumed it. */
export interface Execution {
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly startedAt: Date;
  readonly stoppedAt: Date | undefined;
  readonly input: string;
  readonly output: string | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

const STATUSES: Readonly<Record<string, ExecutionStatus>> = {
  RUNNING: 'running',
  PENDING_REDRIVE: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  ABORTED: 'cancelled',
  TIMED_OUT: 'timed-out',
};

/** A render of its own may have the name that would be the next of another one. */
const OTHER = Symbol('another render');

/** The executions of renders: `<id>`, and `<id>-r2`, `<id>-r3` and so on of those that were resumed. */
export class RenderExecutions {
  readonly #machine: StepFunctions;
  readonly #farm: string;

  constructor(machine: StepFunctions, farm: string) {
    this.#machine = machine;
    this.#farm = farm;
  }

  /** @throws RenderNotFoundError */
  async latest(id: string): Promise<Execution> {
    let latest = await this.first(id);
    for (let name = nextName(id, latest.name); ; name = nextName(id, name)) {
      const next = await this.#look(name, id);
      if (next === undefined) return latest;
      if (next !== OTHER) latest = next;
    }
  }

  /** @throws RenderNotFoundError */
  async first(id: string): Promise<Execution> {
    const found = await this.find(id, id);
    if (found) return found;
    throw new RenderNotFoundError(
      `The farm ${this.#farm} has no render ${id}. AWS forgets one 90 days after its end.`,
      { details: { id, farm: this.#farm } },
    );
  }

  /** `undefined` when there is no such execution, or it is of another render. */
  async find(name: string, id: string): Promise<Execution | undefined> {
    const found = await this.#look(name, id);
    return found === OTHER ? undefined : found;
  }

  async #look(name: string, id: string): Promise<Execution | typeof OTHER | undefined> {
    const found = await this.#machine.describe(name);
    const {
      input = '{}',
      status = '',
      startDate = new Date(0),
      stopDate,
      output,
      error,
      cause,
    } = found ?? {};
    if (!found) return undefined;
    if (jobId(input) !== id) return OTHER;
    return {
      name,
      status: STATUSES[status] ?? 'failed',
      startedAt: startDate,
      stoppedAt: stopDate,
      input,
      output,
      error,
      cause,
    };
  }
}

function jobId(input: string): string | undefined {
  return (JSON.parse(input) as { job?: { id?: string } }).job?.id;
}

/** The name of the execution that resumes one. */
export function nextName(id: string, name: string): string {
  const resumed = name === id ? 1 : Number(name.slice(id.length + 2));
  return `${id}-r${resumed + 1}`;
}
