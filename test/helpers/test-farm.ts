import { farmStore } from '../../src/adapters/farm.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { putJson } from '../../src/storage/object-store.ts';
import type { Farm } from '../../src/types/farm.ts';
import { defaultSizes, functionNames } from '../../src/types/function-sizes.ts';
import { packageVersion } from '../../src/utils/package-version.ts';
import { type Handler, planOf, runMachine } from '../cdk/run-machine.ts';
import { AwsEndpoint, awsError } from './aws-endpoint.ts';
import { ExecutionEvents } from './execution-events.ts';
import { TestS3 } from './test-s3.ts';

interface Execution {
  readonly events: ExecutionEvents;
  readonly input: string;
  readonly startDate: number;
  status: string;
  stopDate?: number;
  output?: string;
  error?: string;
  cause?: string;
}

type Request = Record<string, string>;

/**
 * A farm over HTTP on loopback: its parameter, its bucket, and its state machine, which runs in this process over
 * small functions that keep to the farm's contract.
 */
export class TestFarm implements AsyncDisposable {
  readonly executions = new Map<string, Execution>();
  /** What the render function does beside answering, by segment. */
  onRender: (event: { id: string; index: number; attempt: number }) => void | Promise<void> = () => {};
  /** Functions that the account may run. */
  quota = 1000;
  /** Of them, those reserved for the render function. */
  reserved: number | undefined;
  /** Whether its parameter is gone. */
  gone = false;
  readonly parameter: Farm;
  readonly #closing: AsyncDisposable[] = [];

  private constructor(parameter: Farm) {
    this.parameter = parameter;
  }

  static async open(more: Partial<Farm> = {}): Promise<TestFarm> {
    const machine = 'arn:aws:states:us-east-1:123456789012:stateMachine:renders';
    const functions = Object.fromEntries(functionNames.map((name) => [name, `farm-${name}`]));
    const farm = new TestFarm({
      name: 'default',
      version: packageVersion(),
      region: 'us-east-1',
      stack: 'helios-infra-default',
      bucket: 'films',
      prefix: 'video',
      stateMachineArn: machine,
      functions: functions as Farm['functions'],
      maxParallel: 1000,
      keepBucket: true,
      ...more,
    });
    farm.#closing.push(
      await TestS3.open('films'),
      await AwsEndpoint.open('SSM', async (_, body) => farm.#ssm(JSON.parse(body))),
      await AwsEndpoint.open('LAMBDA', async ({ url = '' }) => farm.#lambda(url)),
      await AwsEndpoint.open('SFN', async ({ headers }, body) =>
        farm.#sfn(String(headers['x-amz-target']).split('.')[1] ?? '', JSON.parse(body)),
      ),
    );
    return farm;
  }

  get store(): ObjectStore {
    return farmStore(this.parameter);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#closing.map((part) => part[Symbol.asyncDispose]()));
  }

  #ssm({ Name }: Request) {
    const { name, ...value } = this.parameter;
    if (this.gone || Name !== `/helios-infra/${name}/farm`) return awsError(400, 'ParameterNotFound');
    return { body: { Parameter: { Name, Value: JSON.stringify(value) } } };
  }

  #lambda(url: string) {
    if (url.includes('/account-settings'))
      return {
        body: {
          AccountLimit: { ConcurrentExecutions: this.quota, UnreservedConcurrentExecutions: this.quota },
        },
      };
    if (url.includes('/concurrency')) return { body: { ReservedConcurrentExecutions: this.reserved } };
    const name = functionNames.find((one) => url.includes(`/functions/farm-${one}/configuration`));
    if (!name) return awsError(404, 'ResourceNotFoundException');
    const { memory, timeout, ephemeralStorage } = defaultSizes[name];
    return {
      body: { MemorySize: memory, Timeout: timeout, EphemeralStorage: { Size: ephemeralStorage } },
    };
  }

  async #sfn(action: string, request: Request) {
    const { name = '', input = '', executionArn = '' } = request;
    if (action === 'StartExecution') return this.#start(name, input);
    if (action === 'ListExecutions') {
      const running = [...this.executions].filter(([, { status }]) => status === request.statusFilter);
      return { body: { executions: running.map(([name]) => ({ name })) } };
    }
    const found = this.executions.get(executionArn.split(':').at(-1) ?? '');
    if (!found) return awsError(400, 'ExecutionDoesNotExist');
    const { events, ...description } = found;
    if (action === 'DescribeExecution') return { body: { executionArn, ...description } };
    if (action === 'GetExecutionHistory') return { body: { events: events.list } };
    if (action !== 'StopExecution') return awsError(400, 'UnknownOperationException');
    Object.assign(found, { status: 'ABORTED', stopDate: now(), cause: request.cause });
    return { body: { stopDate: now() } };
  }

  #start(name: string, input: string) {
    const known = this.executions.get(name);
    if (known && (known.status !== 'RUNNING' || known.input !== input))
      return awsError(400, 'ExecutionAlreadyExists');
    if (!known) {
      const execution = { events: new ExecutionEvents(), input, startDate: now(), status: 'RUNNING' };
      this.executions.set(name, execution);
      void this.#run(execution, JSON.parse(input));
    }
    return { body: { executionArn: `arn:${name}`, startDate: now() } };
  }

  async #run(execution: Execution, input: { job: { id: string; chunking: { segments?: number } } }) {
    const { output, error } = await runMachine(this.#functions(execution, input), input as never);
    if (execution.status !== 'RUNNING') return;
    execution.stopDate = now();
    execution.status = error ? 'FAILED' : 'SUCCEEDED';
    if (error) Object.assign(execution, { error: error.name, cause: error.message });
    else execution.output = JSON.stringify(output);
  }

  #functions(
    { events }: Execution,
    { job }: { job: { id: string; chunking: { segments?: number } } },
  ): Parameters<typeof runMachine>[0] {
    const { id } = job;
    const segments = job.chunking.segments ?? 3;
    const progress = (index: number) => `renders/${id}/progress/${index}.json`;
    const render: Handler = async ({ index, attempt = 0 }) => {
      const cached = (await this.store.head(`segments/${id}-${index}`)) !== undefined;
      if (!cached) await this.onRender({ id, index, attempt });
      await this.store.put(`segments/${id}-${index}`, 'a segment');
      const told = { index, frames: 10, cached, ms: 1000 };
      await putJson(this.store, progress(index), { ...told, attempt });
      return told;
    };
    const failure: Handler = async ({ error, segment, execution }) => {
      const { Error: name, Cause: message } = error;
      const key = `renders/${id}/error.json`;
      await this.store.putIfAbsent(key, JSON.stringify({ name, message, segment, execution }));
      return { key };
    };
    const stitch: Handler = async () => {
      await this.store.put(`renders/${id}/output.mp4`, 'a film');
      const found = { total: segments, cached: 0, rendered: segments };
      return resultOf(id, segments * 10, found);
    };
    return {
      plan: events.around('Plan', () => planOf(id, segments)),
      audio: events.around('Audio', () => ({ key: null, ms: 1 })),
      render: events.iteration(render),
      stitch: events.around('Stitch', stitch),
      failure,
    };
  }
}

const now = () => Date.now() / 1000;

/** A result as the stitch puts it into the store. */
export function resultOf(id: string, frames: number, segments: object) {
  return {
    id,
    output: `s3://films/video/renders/${id}/output.mp4`,
    bytes: 6,
    frames,
    fps: 30,
    width: 320,
    height: 180,
    durationSeconds: frames / 30,
    segments,
    seams: { checked: 0, matched: 0, rounded: 0, mismatched: 0, unproved: 0, roundings: [], mismatches: [] },
    audioTracks: 0,
    joinedBy: 'kit',
    seekMode: 'seek',
    capture: { framebuffer: 1 },
    warnings: [],
    timings: { plan: 1, render: 1, audio: 0, stitch: 1, total: 3 },
    cost: { usd: 0.001, pricesOf: '2026-11' },
  };
}
