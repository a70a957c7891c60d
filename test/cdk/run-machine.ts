import { ExecutionError, StateMachine } from 'aws-local-stepfunctions';
import type { FunctionName } from '../../cdk/function-sizes.ts';
import { renderDefinition } from '../../cdk/render-definition.ts';

// biome-ignore lint/suspicious/noExplicitAny: events differ by function
export type Handler = (event: any) => unknown;
type Runnable = ConstructorParameters<typeof StateMachine>[0];
type JSONValue = Parameters<StateMachine['run']>[0];
export type Call = readonly [what: string, input: JSONValue];

const arn = (name: string) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
export const definition = renderDefinition({
  farm: 'test',
  functions: {
    plan: arn('plan'),
    render: arn('render'),
    audio: arn('audio'),
    stitch: arn('stitch'),
    failure: arn('failure'),
  },
  bucket: 'films',
  prefix: 'video/',
  eventBus: 'default',
  timeoutSeconds: 3600,
});

// aws-local-stepfunctions looks for the timeout in the parameters; AWS looks in the state's input. It is in both.
const runnable = JSON.parse(JSON.stringify(definition), (key, value) =>
  key === 'TimeoutSecondsPath' ? value.replace('$.', '$.Payload.') : value,
) as Runnable;

const tasks: Readonly<Record<string, FunctionName>> = {
  Plan: 'plan',
  Audio: 'audio',
  'Render segment': 'render',
  Stitch: 'stitch',
  'Record segment failure': 'failure',
  'Record failure': 'failure',
  'Record audio failure': 'failure',
};

/** A plan of so many segments of 10 frames each. */
export const planOf = (id: string, segments: number, more: Record<string, unknown> = {}) => ({
  id,
  frames: segments * 10,
  segments,
  segmentsFound: 0,
  maxParallel: 2,
  seekMode: 'seek',
  items: Array.from({ length: segments }, (_, index) => ({ index, range: [index * 10, index * 10 + 10] })),
  itemsKey: `renders/${id}/segments.json`,
  renderTimeoutSeconds: 30,
  ...more,
});

/** Handlers of a render of 3 segments in which nothing goes wrong. */
export const wellBehaved: Readonly<Record<FunctionName, Handler>> = {
  plan: ({ job }) => planOf(job.id, 3),
  audio: ({ id }) => ({ key: `renders/${id}/audio.m4a`, ms: 5 }),
  render: ({ index }) => ({ index, frames: 10, cached: false, ms: 7, large: 'x'.repeat(1000) }),
  stitch: ({ id }) => ({ id, output: `s3://films/video/renders/${id}/output.mp4`, frames: 30 }),
  failure: ({ id }) => ({ key: `renders/${id}/error.json` }),
};

interface Outcome {
  readonly output?: JSONValue;
  readonly error?: { readonly name: string; readonly message: string };
  /** What was called, with its payload, in order; events by their detail type. */
  readonly calls: readonly Call[];
}

/** Runs the state machine over handlers of this process; waits between attempts take 1 ms. */
export async function runMachine(
  handlers: Readonly<Record<FunctionName, Handler>>,
  input: JSONValue = { job: { id: 'r1' }, capacity: 5 },
): Promise<Outcome> {
  const calls: Call[] = [];
  const announce = (entries: { DetailType: string; Detail: JSONValue }[]) => {
    for (const { DetailType, Detail } of entries) calls.push([DetailType, Detail]);
    return { FailedEntryCount: 0, Entries: [] };
  };
  // biome-ignore lint/suspicious/noExplicitAny: parameters differ by task
  const overrides = Object.fromEntries<(parameters: any) => any>([
    ...Object.entries(tasks).map(
      ([state, name]) =>
        [
          state,
          async ({ Payload }: { Payload: JSONValue }) => {
            calls.push([name, Payload]);
            return { StatusCode: 200, Payload: await handlers[name](Payload) };
          },
        ] as const,
    ),
    ...['start', 'success', 'failure'].map(
      (when) => [`Announce ${when}`, ({ Entries }: { Entries: never }) => announce(Entries)] as const,
    ),
  ]);
  const machine = new StateMachine(runnable, {
    validationOptions: { noValidate: true },
  });
  const { result } = machine.run(input, {
    overrides: {
      taskResourceLocalHandlers: overrides,
      retryIntervalOverrides: Object.fromEntries(Object.keys(tasks).map((state) => [state, 1])),
    },
    context: { Execution: { Input: input, Id: 'arn:execution:r1' }, State: { RetryCount: 0 } },
  });
  try {
    return { output: (await result) as JSONValue, calls };
  } catch (error) {
    return { error: (error instanceof ExecutionError ? error.cause : error) as Error, calls };
  }
}
