import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { LambdaAdapter, type LambdaAdapterOptions } from '../../src/adapters/lambda-adapter.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { JobOrchestrator } from '../../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { keys } from '../../src/storage/keys.ts';
import { readJson } from '../../src/storage/object-store.ts';
import type { FrameJob, FrameResult } from '../../src/types/frame-job.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, type Rendered, Renderer } from '../helpers/renderer.ts';
import { type LambdaFaults, TestLambda } from '../helpers/test-lambda.ts';

const sketch = { composition: { source: fixture('barcode-css') }, chunking: { segments: 6 } };
const functionName = 'render-function';
const quick = { functionName, backoffMs: 20 };

let local: Renderer;
let expected: Rendered;
let remote: Renderer;
let handlers: Handlers;

beforeAll(async () => {
  local = await Renderer.open();
  expected = await local.render(sketch);
});
afterAll(() => local[Symbol.asyncDispose]());
beforeEach(async () => {
  remote = await Renderer.open();
  handlers = new Handlers(remote.store);
});
afterEach(async () => {
  await handlers[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
});

const openLambda = (faults?: LambdaFaults) =>
  TestLambda.open({ [functionName]: (event) => handlers.render(event) }, faults);

/** Renders the six segments over an adapter; plan and stitch are of this process. */
async function renderOver(adapter: LambdaAdapter) {
  const orchestrator = new JobOrchestrator(remote.worker, adapter);
  const file = `${remote.folder}/out.mp4`;
  const result = await orchestrator.run({ ...sketch, id: 'remote', outputPath: file });
  const plan = await readPlan(remote.store, 'remote');
  const digests = await Promise.all(
    plan.frameJobs.map(async ({ segmentKey }) => {
      const record = (await readJson(remote.store, keys.segmentRecord(segmentKey))) as Rendered['records'][0];
      return record.frameDigests;
    }),
  );
  return { result, digests: digests.flat(), file };
}

test('renders over the function what is rendered here', async () => {
  await using lambda = await openLambda();
  await using adapter = new LambdaAdapter({ functionName, concurrency: 2 });
  const { result, digests, file } = await renderOver(adapter);
  expect(result.segments).toEqual({ total: 6, cached: 0, rendered: 6 });
  expect(digests).toEqual(expected.records.flatMap(({ frameDigests }) => frameDigests));
  expect(await decodeBarcodes(file)).toEqual(await decodeBarcodes(expected.file));
  expect(lambda.invocations).toBe(6);
  expect(lambda.mostAtWork).toBe(2);
  expect(adapter.getStatus()).toEqual({ name: 'lambda', capacity: 2, inFlight: 0, completed: 6, failed: 0 });
});

test('gets through when every second invocation is throttled, with fewer at a time', async () => {
  await using lambda = await openLambda((invocation) => (invocation % 2 === 0 ? 'throttle' : undefined));
  await using adapter = new LambdaAdapter({ ...quick, concurrency: 4 });
  const { result } = await renderOver(adapter);
  expect(result.segments.rendered).toBe(6);
  expect(lambda.invocations).toBeGreaterThanOrEqual(11);
  expect(adapter.getStatus()).toMatchObject({ completed: 6, failed: 0 });
  expect(adapter.getStatus().capacity).toBeLessThan(4);
});

test.each(['crash', 'timeout', 'unavailable'] as const)('gets over a %s of one invocation', async (fault) => {
  await using lambda = await openLambda((invocation) => (invocation === 2 ? fault : undefined));
  await using adapter = new LambdaAdapter({ ...quick, concurrency: 2 });
  const { result } = await renderOver(adapter);
  expect(result.segments.total).toBe(6);
  expect(lambda.invocations).toBe(7);
  expect(adapter.getStatus()).toMatchObject({ completed: 6, failed: 1 });
});

async function frameJob(): Promise<FrameJob> {
  return expected.plan.frameJobs[0] as FrameJob;
}

async function invokeOnce(options: Partial<LambdaAdapterOptions>, job: FrameJob, signal?: AbortSignal) {
  await using adapter = new LambdaAdapter({ ...quick, ...options });
  return await adapter.invoke(remote.worker, job, signal ? { signal } : {});
}

test('tells a crash that stays as what it is', async () => {
  await using _ = await openLambda(() => 'crash');
  await expect(invokeOnce({}, await frameJob())).rejects.toMatchObject({
    name: 'FunctionCrashedError',
    retryable: true,
    details: { errorType: 'Runtime.ExitError', function: functionName },
  });
});

test('gives up on throttling that does not end', async () => {
  await using _ = await openLambda(() => 'throttle');
  await expect(invokeOnce({ throttledSeconds: 0.2 }, await frameJob())).rejects.toMatchObject({
    name: 'ThrottledError',
  });
});

test('is refused by a function of another version, and refuses one that answers all the same', async () => {
  const job = { ...(await frameJob()), workerVersion: 'another' };
  {
    await using _ = await openLambda();
    await expect(invokeOnce({}, job)).rejects.toMatchObject({ name: 'VersionMismatchError' });
  }
  const answer = { ...(expected.records[0] as FrameResult), workerVersion: 'a third' };
  await using _ = await TestLambda.open({ [functionName]: async () => answer });
  await expect(invokeOnce({}, job)).rejects.toMatchObject({
    name: 'VersionMismatchError',
    details: { planned: 'another', worker: 'a third' },
  });
});

test('the errors of the function come back as their classes', async () => {
  await using _ = await openLambda();
  const job = { ...(await frameJob()), range: [5, 2] } as unknown as FrameJob;
  await expect(invokeOnce({}, job)).rejects.toMatchObject({ name: 'ValidationError', retryable: false });
  await expect(invokeOnce({ functionName: 'nobody' }, job)).rejects.toMatchObject({
    details: { permission: 'lambda:InvokeFunction', resource: 'nobody', status: 404 },
  });
});

test('ends at once when its signal fires while the function hangs', async () => {
  await using _ = await openLambda(() => 'hang');
  const since = performance.now();
  await expect(invokeOnce({}, await frameJob(), AbortSignal.timeout(300))).rejects.toMatchObject({
    name: 'AbortedError',
  });
  expect(performance.now() - since).toBeLessThan(3000);
});
