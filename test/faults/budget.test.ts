import { afterAll, beforeAll, expect, test } from 'vitest';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { JobOrchestrator, referenceTo } from '../../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { verifyRender } from '../../src/orchestrator/verify.ts';
import { keys } from '../../src/storage/keys.ts';
import { putJson, readJson } from '../../src/storage/object-store.ts';
import type { FrameJob, FrameResult } from '../../src/types/frame-job.ts';
import { onAbort, throwIfAborted } from '../../src/utils/abort.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { runMachine, wellBehaved } from '../cdk/run-machine.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { expectNothingLeft, FaultScene, frameNumbers } from '../helpers/fault-scene.ts';
import { fixture } from '../helpers/renderer.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** From its second frame job on, nothing comes to an end. */
class StuckAdapter extends LocalAdapter {
  override async invoke(...[worker, job, context]: Parameters<LocalAdapter['invoke']>): Promise<FrameResult> {
    if (job.index === 0) return super.invoke(worker, job, context);
    await new Promise<void>((resolve) => onAbort(context?.signal, resolve));
    throwIfAborted(context?.signal);
    throw new Error('the signal did not fire');
  }
}

test('a render whose estimate is above its time is refused before it begins', async () => {
  const job = { composition: { durationInFrames: 16_000 }, budget: { maxSeconds: 15 }, id: 'refused' };
  const error = await scene.fail(job);
  expect(error).toMatchObject({
    name: 'BudgetError',
    message: expect.stringMatching(/would take about \d.*may take 15 s/),
    details: { field: 'budget.maxSeconds', limit: 15 },
  });
  expect(error.details.estimate).toBeGreaterThan(15);
  expect(await readJson(scene.store, keys.error('refused'))).toMatchObject({ name: 'BudgetError' });
  for await (const { key } of scene.store.list('segments/')) expect.fail(`rendered ${key}`);
});

test('a replay is refused for the steps that lead to its segments', async () => {
  const busy = `<canvas></canvas><script>
    let steps = 0;
    requestAnimationFrame(function step() {
      for (let i = 0; i < 1e6; i++) steps += Math.sin(i) > 2 ? 1 : 0;
      requestAnimationFrame(step);
    });
  </script>`;
  const job = {
    composition: { source: await scene.page('busy-steps', busy, 2) },
    page: { seekMode: 'replay' as const },
    chunking: { segments: 6 },
  };
  {
    await using handlers = new Handlers(scene.store);
    const ref = await referenceTo(job.composition.source, scene.store);
    await handlers.plan({ job: scene.job({ ...job, id: 'measured' }), ref });
  }
  const { estimate, frames } = await readPlan(scene.store, 'measured');
  const framesMs = frames * estimate.msPerFrame;
  const stepsMs = (10 + 20 + 30 + 40 + 50) * estimate.msPerStep;
  expect(estimate.workMs).toBeCloseTo(framesMs + stepsMs, 3);
  expect(stepsMs).toBeGreaterThan(framesMs / 2);
  // Planned anew, from what was remembered, which takes a moment only.
  const budget = { maxSeconds: (framesMs + stepsMs * 0.8) / 1000 };
  expect(await scene.fail({ ...job, id: 'refused-again', budget })).toMatchObject({
    name: 'BudgetError',
    message: expect.stringContaining('it was not begun'),
  });
});

test('a render is stopped when its time is over, and the next one goes on from there', async () => {
  const job = scene.job({
    composition: { durationInFrames: 32 },
    chunking: { segments: 2 },
    budget: { maxSeconds: 10 },
  });
  {
    await using worker = new ChromiumFrameWorker(scene.store);
    const since = performance.now();
    const run = new JobOrchestrator(worker, new StuckAdapter({ concurrency: 1 })).run(job);
    await expect(run).rejects.toMatchObject({
      name: 'BudgetError',
      message: expect.stringContaining('Its finished segments stay'),
      details: { field: 'budget.maxSeconds', limit: 10 },
    });
    expect(performance.now() - since).toBeGreaterThan(9_900);
  }
  await expectNothingLeft();
  const { budget: _, ...rest } = job;
  const { segments, output } = await scene.render(rest as never);
  expect(segments).toEqual({ total: 2, cached: 1, rendered: 1 });
  expect(await decodeBarcodes(output)).toEqual(frameNumbers(0, 32));
});

test('a time that ends while the render is planned is told so', async () => {
  const error = await scene.fail({ budget: { maxSeconds: 0.01 }, id: 'hasty' });
  expect(error).toMatchObject({
    name: 'BudgetError',
    message: expect.stringMatching(/while it was being planned.*No segment was begun.*helios-infra estimate/),
    details: { field: 'budget.maxSeconds', planned: false },
  });
  await expect(verifyRender('hasty', { store: scene.store })).rejects.toMatchObject({
    name: 'RenderNotFoundError',
    message: expect.stringContaining('ended before it had a plan'),
  });
});

test('a cost is refused where nothing counts it', async () => {
  expect(await scene.fail({ budget: { maxCost: 5 } })).toMatchObject({
    name: 'ValidationError',
    details: { field: 'budget.maxCost' },
  });
});

const farmJob = (id: string, budget: object, segments = 2) => ({
  ...scene.job({ id, budget, chunking: { segments }, encoding: { scale: 2 } }),
});

test.each([
  ['time', { maxSeconds: 5 }, 'budget.maxSeconds'],
  ['cost', { maxCost: 0.0001 }, 'budget.maxCost'],
])('a farm refuses a plan above its %s, and the execution fails with that', async (name, budget, field) => {
  await using handlers = new Handlers(scene.store);
  const id = `farm-${name}`;
  const ref = await referenceTo(fixture('barcode-raf'), scene.store);
  const { error, calls } = await runMachine(
    { ...wellBehaved, plan: (event) => handlers.plan(event), failure: (event) => handlers.failure(event) },
    { job: farmJob(id, budget), ref } as never,
  );
  expect(error).toMatchObject({ name: 'RenderFailed', message: expect.stringContaining('BudgetError') });
  expect(calls.map(([what]) => what)).toEqual(['Render Started', 'plan', 'failure', 'Render Failed']);
  expect(await readJson(scene.store, keys.error(id))).toMatchObject({
    name: 'BudgetError',
    message: expect.stringContaining(field),
    retryable: false,
  });
  expect(await scene.store.head(keys.plan(id))).toBeUndefined();
});

test('a farm’s segments stop when their sum gets to the cost, and those that are done stay', async () => {
  await using handlers = new Handlers(scene.store);
  const id = 'spent';
  const ref = await referenceTo(fixture('barcode-raf'), scene.store);
  await handlers.plan({ job: farmJob(id, { maxCost: 1 }, 3), ref });
  const plan = (await readJson(scene.store, keys.plan(id))) as {
    budget: { renderMs: number };
    segments: Pick<FrameJob, 'segmentKey'>[];
  };
  // 20,000 seconds of 3 GB are about a dollar.
  expect(plan.budget.renderMs).toBeGreaterThan(15_000_000);
  expect(plan.budget.renderMs).toBeLessThan(25_000_000);
  const pays = (renderMs: number) =>
    putJson(scene.store, keys.plan(id), { ...plan, budget: { ...plan.budget, renderMs } });
  const render = (index: number) => handlers.render({ id, index });
  const over = { name: 'BudgetError', details: { field: 'budget.maxCost', limit: 1 } };

  expect(await render(0)).toMatchObject({ cached: false });
  await pays(1);
  await expect(render(1)).rejects.toMatchObject(over);
  const has = async (index: number) =>
    (await scene.store.head(keys.segmentRecord(plan.segments[index]?.segmentKey ?? ''))) !== undefined;
  expect([await has(0), await has(1)]).toEqual([true, false]);

  await pays(25_000_000);
  expect(await render(0)).toMatchObject({ cached: true });
  expect(await render(1)).toMatchObject({ cached: false });
});
