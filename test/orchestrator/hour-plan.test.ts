import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { historyOf } from '../../bench/simulate/history.ts';
import { referenceTo } from '../../src/index.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { CompositionRef } from '../../src/types/composition.ts';
import type { Plan } from '../../src/types/plan.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { fixture } from '../helpers/renderer.ts';

const FRAMES = 108_000;
const STATE_LIMIT = 200 * 1024;
const source = fixture('barcode-waapi');
let folder: WorkFolder;
let store: LocalStore;
let handlers: Handlers;
let ref: CompositionRef;

beforeAll(async () => {
  folder = await createWorkFolder('hour-plan');
  store = new LocalStore(path.join(folder.path, 'store'));
  handlers = new Handlers(store);
  ref = await referenceTo(source, store);
});
afterAll(async () => {
  await handlers[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Planned {
  readonly plan: Plan;
  readonly planBytes: number;
  /** Of what the plan says of each segment, all together. */
  readonly segmentBytes: number;
  readonly seconds: number;
  /** Of the event and of what the handler answers. */
  readonly stateBytes: number;
}

async function planHour(id: string, capacity: number, job: Record<string, unknown> = {}): Promise<Planned> {
  const composition = { source, fps: 30, durationInFrames: FRAMES };
  const event = { job: { id, composition, outputPath: 'hour.mp4', ...job }, ref, capacity };
  const since = performance.now();
  const summary = await handlers.plan(event);
  const seconds = (performance.now() - since) / 1000;
  const text = await readFile(store.localPath(`renders/${id}/plan.json`), 'utf8');
  const stateBytes = JSON.stringify(event).length + JSON.stringify(summary).length;
  const segmentBytes = JSON.stringify((JSON.parse(text) as { segments: unknown }).segments).length;
  return { plan: await readPlan(store, id), planBytes: text.length, segmentBytes, seconds, stateBytes };
}

function expectWhole({ frameJobs, frames }: Plan): void {
  expect(frames).toBe(FRAMES);
  let next = 0;
  for (const [index, job] of frameJobs.entries()) {
    expect(job).toMatchObject({ index, range: [next, expect.any(Number)] });
    next = job.range[1];
  }
  expect(next).toBe(FRAMES);
  expect(new Set(frameJobs.map(({ segmentKey }) => segmentKey)).size).toBe(frameJobs.length);
}

describe('an hour at 30 frames a second', () => {
  test.each([100, 1000, 3000])('is planned for %d functions', async (capacity) => {
    const { plan, segmentBytes, seconds, stateBytes } = await planHour(`hour-${capacity}`, capacity);

    expectWhole(plan);
    expect(plan.seekMode).toBe('seek');
    const [first, second] = plan.frameJobs;
    const length = (first?.range[1] ?? 0) - (first?.range[0] ?? 0);
    expect(Math.log2(length) % 1).toBe(0);
    expect(second?.range[0]).toBe(length);
    expect(plan.maxParallel).toBe(Math.min(capacity, plan.frameJobs.length));
    expect(plan.frameJobs.every(({ range }) => range[0] % length === 0)).toBe(true);
    expect(stateBytes).toBeLessThan(STATE_LIMIT);
    expect(segmentBytes / plan.frameJobs.length).toBeLessThan(150);
    expect(seconds).toBeLessThan(60);
  });

  // The most that the shortest segments of an hour can be: 16 frames each.
  test('in its shortest segments fits, too', async () => {
    const segments = FRAMES / 16;
    const memory = process.memoryUsage().rss;
    const { plan, planBytes, seconds, stateBytes } = await planHour('short', 3000, {
      chunking: { segments },
      composition: { source, fps: 30, durationInFrames: FRAMES, inputProps: { text: 'x'.repeat(100_000) } },
    });

    expectWhole(plan);
    expect(plan.frameJobs).toHaveLength(segments);
    expect(plan.maxParallel).toBe(3000);
    const items = await readFile(store.localPath('renders/short/segments.json'), 'utf8');
    expect(items.length).toBeLessThan(300_000);
    expect(JSON.parse(items)).toEqual(plan.frameJobs.map(({ index, range }) => ({ index, range })));
    expect(planBytes).toBeLessThan(1_000_000);
    expect(stateBytes).toBeLessThan(STATE_LIMIT);
    expect(seconds).toBeLessThan(60);
    expect(process.memoryUsage().rss - memory).toBeLessThan(512 * 2 ** 20);
    const { parentEvents, childEvents } = historyOf({ segments, retries: 0, mostAttempts: 1 });
    expect(Math.max(parentEvents, childEvents)).toBeLessThan(25_000);
  });
});
