import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Handlers, LocalStore, referenceTo } from '../../src/index.ts';
import { costOf, useByTimings } from '../../src/orchestrator/cost.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { readJson } from '../../src/storage/object-store.ts';
import { defaultSizes } from '../../src/types/function-sizes.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, videoKeyOf } from '../helpers/renderer.ts';

let folder: string;
let store: LocalStore;
let handlers: Handlers;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'by-index-'));
  store = new LocalStore(folder);
  handlers = new Handlers(store, {
    capacity: async () => ({ segments: 7 }),
    sizes: defaultSizes,
    logGroups: { render: 'renders', plan: 'plans', audio: 'sounds', stitch: 'stitches' },
  });
});
afterAll(async () => {
  await handlers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function plan(id: string, source: string, more: Record<string, unknown> = {}, segments = 3) {
  const ref = await referenceTo(source, store);
  const job = { id, composition: { source }, outputPath: 'out.mp4', chunking: { segments }, ...more };
  return handlers.plan({ job, ref });
}

test('a plan answers its segments while they are few, and where they are when they are many', async () => {
  const few = await plan('few', fixture('barcode-raf'));
  expect(few).toMatchObject({ segments: 3, maxParallel: 3, itemsKey: 'renders/few/segments.json' });
  expect(few.items).toEqual([
    { index: 0, range: [0, 30] },
    { index: 1, range: [30, 60] },
    { index: 2, range: [60, 90] },
  ]);
  expect(few.renderTimeoutSeconds).toBeGreaterThan(90);
  expect(few.renderTimeoutSeconds).toBeLessThanOrEqual(900);

  const many = await plan('many', fixture('barcode-raf'), {}, 45);
  expect(many).toMatchObject({ segments: 45, maxParallel: 7, items: [] });
  expect(await readJson(store, many.itemsKey)).toHaveLength(45);
  expect(await readJson(store, 'renders/many/plan.json')).not.toHaveProperty('frameJobs');
});

test('segments are rendered by index, told of, and counted in the result with its cost', async () => {
  const { items } = await plan('whole', fixture('barcode-raf'));
  for (const { index } of items) {
    const answer = await handlers.render({ id: 'whole', index });
    expect(answer).toMatchObject({ index, frames: 30, cached: false });
    expect(await readJson(store, `renders/whole/progress/${index}.json`)).toMatchObject({
      index,
      frames: 30,
      cached: false,
      attempt: 0,
    });
  }
  const result = await handlers.stitch({ id: 'whole', audioKey: null, audioMs: 12 });
  expect(result.segments).toEqual({ total: 3, cached: 0, rendered: 3 });
  expect(result.timings).toMatchObject({ audio: 12 });
  expect(result.timings.plan).toBeGreaterThan(0);
  expect(result.cost?.usd).toBe(costOf(useByTimings(result.timings, 3, 3), defaultSizes).total);
  expect(await decodeBarcodes(result.output)).toEqual(Array.from({ length: 90 }, (_, frame) => frame));

  const again = await plan('again', fixture('barcode-raf'));
  for (const { index } of again.items) await handlers.render({ id: 'again', index, attempt: 1 } as never);
  expect((await handlers.stitch({ id: 'again' })).segments).toEqual({ total: 3, cached: 3, rendered: 0 });
});

test('a mend keeps what was told of the others, and a plan made anew begins anew', async () => {
  const { items } = await plan('mended', fixture('barcode-css'));
  const renderAll = () => Promise.all(items.map(({ index }) => handlers.render({ id: 'mended', index })));
  const first = await renderAll();
  const { frameJobs } = await readPlan(store, 'mended');
  await store.delete(await videoKeyOf(store, frameJobs[1]));
  await expect(handlers.stitch({ id: 'mended' })).rejects.toMatchObject({
    name: 'SegmentDamagedError',
    details: { segments: [1] },
  });
  const second = await renderAll();
  expect(second.map(({ cached }) => cached)).toEqual([true, false, true]);
  const mended = await handlers.stitch({ id: 'mended' });
  expect(mended.segments).toEqual({ total: 3, cached: 0, rendered: 3 });
  const sum = [...first, ...second].reduce((ms, segment) => ms + segment.ms, 0);
  expect(mended.timings.render).toBeCloseTo(sum, 6);
  expect(mended.cost?.usd).toBe(costOf(useByTimings(mended.timings, 3, 6), defaultSizes).total);

  await plan('mended', fixture('barcode-css'));
  await renderAll();
  const resumed = await handlers.stitch({ id: 'mended' });
  expect(resumed.segments).toEqual({ total: 3, cached: 3, rendered: 0 });
  expect(resumed.timings.render).toBeLessThan(sum);
});

test('a folder without its bundle is refused with the field and what to do', async () => {
  const job = { id: 'x', composition: { source: './intro' }, outputPath: 'out.mp4' };
  await expect(handlers.plan({ job })).rejects.toMatchObject({
    name: 'ValidationError',
    message: expect.stringMatching(/^ref: .*helios-infra bundle/),
  });
});

test('a page that must be stepped and does not fit a function is refused', async () => {
  const sizes = { ...defaultSizes, render: { ...defaultSizes.render, timeout: 1 } };
  await using small = new Handlers(store, { sizes });
  const source = fixture('barcode-state');
  const ref = await referenceTo(source, store);
  const composition = { source, fps: 30, durationInFrames: 50_000 };
  const plan = small.plan({ job: { id: 'long', composition, outputPath: 'out.mp4' }, ref });
  await expect(plan).rejects.toMatchObject({
    name: 'ValidationError',
    message: expect.stringMatching(
      /^frameRange: .*50000 frames is stepped to from frame 0.*a function has 1 s/,
    ),
  });
});

test('a worker ends before it is cut off, and says how far it came', async () => {
  await plan('slow', fixture('barcode-raf'), { encoding: { scale: 4 } }, 1);
  const before = await workFolders();
  const failure = await handlers
    .render({ id: 'slow', index: 0 }, { remainingMs: 1_200 })
    .catch((e: unknown) => e);
  expect(failure).toMatchObject({
    name: 'OutOfTimeError',
    retryable: true,
    message: expect.stringContaining('Segment 0 (frames 0–89)'),
    details: { index: 0, range: [0, 90], allowedMs: 600, framesDone: expect.any(Number) },
  });
  expect(await workFolders()).toEqual(before);
});

test('a worker ends before the state machine gives it up', async () => {
  await plan('given-up', fixture('barcode-raf'), { encoding: { scale: 4 }, frameRange: [0, 80] }, 1);
  const failure = await handlers
    .render({ id: 'given-up', index: 0, timeoutSeconds: 1.2 } as never, { remainingMs: 900_000 })
    .catch((e: unknown) => e);
  expect(failure).toMatchObject({ name: 'OutOfTimeError', details: { allowedMs: 600 } });
});

test('the record of a failure names segment, frames, cause and log, and the first one stays', async () => {
  await plan('broken', fixture('barcode-css'), {}, 2);
  const ref = await referenceTo(fixture('barcode-css'), store);
  await store.delete(`bundles/${ref.kind === 'bundle' ? ref.digest : ''}.json`);
  const log = { group: 'renders', stream: 's1', requestId: 'r1' };
  const error = (await handlers
    .render({ id: 'broken', index: 1 }, { log })
    .catch((e: unknown) => e)) as Error;
  const caught = {
    Error: error.name,
    Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
  };
  const segment = { index: 1, range: [45, 90] };
  expect(error.name).toBe('NotFoundError');
  await handlers.failure({ id: 'broken', error: caught, segment, execution: 'e1' });
  await handlers.failure({ id: 'broken', error: { Error: 'SegmentFailed' }, execution: 'e1' });
  expect(await readJson(store, 'renders/broken/error.json')).toMatchObject({
    name: error.name,
    message: error.message,
    segment,
    execution: 'e1',
    log,
  });

  await handlers.failure({ id: 'broken', error: { Error: 'Sandbox.Timedout' }, segment, execution: 'e2' });
  expect(await readJson(store, 'renders/broken/error.json')).toMatchObject({
    name: 'Sandbox.Timedout',
    execution: 'e2',
    log: { group: 'renders' },
  });
});

async function workFolders(): Promise<string[]> {
  const names = await readdir(tmpdir());
  return names.filter((name) => name.startsWith(`helios-infra-${process.pid}-segment`));
}
