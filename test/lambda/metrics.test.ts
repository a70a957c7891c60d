import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';

const SEGMENT = { index: 0, frames: 30, cached: false, ms: 600, bytes: 12_345 };
const answer = vi.fn<() => Promise<unknown>>();
vi.mock('../../lambda/shared-handlers.ts', () => ({ sharedHandlers: () => ({ render: () => answer() }) }));

const context = { functionName: 'renders', getRemainingTimeInMillis: () => 900_000 } as Context;
let handler: typeof import('../../lambda/render.ts').handler;
let written = '';

beforeAll(async () => {
  const environment = {
    HELIOS_FARM: 'films',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  ({ handler } = await import('../../lambda/render.ts'));
});
afterAll(() => vi.unstubAllEnvs());

beforeEach(() => {
  written = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += text;
    return true;
  });
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Metrics {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly string[][];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
}

/** The lines in CloudWatch's embedded metric format, and the names and units that each declares. */
function told() {
  const lines = written.split('\n').filter((line) => line.includes('"_aws"'));
  return lines.map((line) => {
    const values = JSON.parse(line) as Metrics & Record<string, unknown>;
    const [declared] = values._aws.CloudWatchMetrics;
    const units = Object.fromEntries(declared?.Metrics.map(({ Name, Unit }) => [Name, Unit]) ?? []);
    return { ...values, namespace: declared?.Namespace, dimensions: declared?.Dimensions, units };
  });
}

/** Renders for so many seconds; then the answer, or the error. */
const renders = (seconds: number, outcome: unknown) =>
  answer.mockImplementation(async () => {
    vi.advanceTimersByTime(seconds * 1000);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  });

test('a segment tells its frames, their time, its bytes and how much of its time it took; the first call its start', async () => {
  renders(38, SEGMENT);
  await handler({ id: 'film', index: 0, timeoutSeconds: 190 }, context);
  const [start, segment] = told();
  expect(start).toMatchObject({ namespace: 'HeliosInfra', ColdStart: 1, units: { ColdStart: 'Count' } });
  expect(segment).toMatchObject({
    namespace: 'HeliosInfra',
    dimensions: [['service', 'farm']],
    service: 'render',
    farm: 'films',
    Frames: 30,
    FrameTime: 20,
    SegmentBytes: 12_345,
    TimeUsed: 20,
    Duration: 38_000,
    units: {
      Frames: 'Count',
      FrameTime: 'Milliseconds',
      SegmentBytes: 'Bytes',
      TimeUsed: 'Percent',
      Duration: 'Milliseconds',
    },
  });
});

test('a segment that was found counts as found, and a warm call tells no start', async () => {
  renders(1, { ...SEGMENT, cached: true });
  await handler({ id: 'film', index: 0, timeoutSeconds: 190 }, context);
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatchObject({ CachedFrames: 30, units: { CachedFrames: 'Count' } });
  expect(told()[0]).not.toHaveProperty('Frames');
});

test('a call without a time of its plan has that of the function, and one that fails tells how much it took', async () => {
  renders(810, new Error('slow'));
  await expect(handler({ id: 'film', index: 0 }, context)).rejects.toThrow('slow');
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatchObject({ Failure: 1, TimeUsed: 90 });
});
