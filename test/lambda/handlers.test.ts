import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  Handlers,
  LocalStore,
  type Plan,
  referenceTo,
  SegmentDamagedError,
  ValidationError,
} from '../../src/index.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';

const source = path.resolve('test/fixtures/barcode-raf');
let folder: string;
let store: LocalStore;
let handlers: Handlers;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handlers-'));
  store = new LocalStore(folder);
  handlers = new Handlers(store);
});
afterAll(async () => {
  await handlers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function plan(id: string, input: Record<string, unknown> = {}): Promise<Plan> {
  const ref = await referenceTo(source, store);
  const job = { id, composition: { source }, outputPath: 'out.mp4', chunking: { segments: 3 }, ...input };
  const summary = await handlers.plan({ job, ref });
  expect(summary).toMatchObject({ id, itemsKey: `renders/${id}/segments.json` });
  return readPlan(store, id);
}

test('plan, render, audio and stitch make the video in the store', async () => {
  const { frameJobs } = await plan('whole');
  expect(frameJobs.map(({ range }) => range)).toEqual([
    [0, 30],
    [30, 60],
    [60, 90],
  ]);
  for (const job of frameJobs.toReversed()) await handlers.render(job);
  const { key } = await handlers.audio({ id: 'whole' });
  expect(key).toBeNull();

  const result = await handlers.stitch({ id: 'whole', audioKey: key });

  expect(result).toMatchObject({ frames: 90, output: `${folder}/renders/whole/output.mp4` });
  expect(await decodeBarcodes(result.output)).toEqual(Array.from({ length: 90 }, (_, frame) => frame));
});

test('an output ends as the path of the job does', async () => {
  const [job] = (await plan('film', { frameRange: [0, 6], outputPath: 'out.mkv', chunking: { segments: 1 } }))
    .frameJobs;
  await handlers.render(job as FrameJob);
  const { output } = await handlers.stitch({ id: 'film' });
  expect(output).toBe(`${folder}/renders/film/output.mkv`);
  expect(await decodeBarcodes(output)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('a capacity that was assumed bounds the plan, and the plan warns of it', async () => {
  const assumed = { segments: 2, warning: 'The quota could not be read.' };
  await using careful = new Handlers(store, { capacity: async () => assumed });
  const ref = await referenceTo(source, store);
  const chunking = { segments: 3, maxParallel: 100 };
  const job = { id: 'assumed', composition: { source }, outputPath: 'out.mp4', chunking };
  expect(await careful.plan({ job, ref })).toMatchObject({ maxParallel: 2 });
  expect((await readPlan(store, 'assumed')).warnings).toEqual([assumed.warning]);
});

test('stitch names a segment that is missing', async () => {
  const { frameJobs } = await plan('gap', { frameRange: [5, 65] });
  for (const job of frameJobs.filter(({ index }) => index !== 1)) await handlers.render(job);

  const failure = await handlers.stitch({ id: 'gap' }).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(SegmentDamagedError);
  expect(failure).toMatchObject({
    message: expect.stringContaining('frames 25–44'),
    details: { segments: [1] },
  });
  expect(await store.head('renders/gap/output.mp4')).toBeUndefined();
});

test('a picture sequence lies in the store as one object a frame', async () => {
  const { frameJobs } = await plan('pictures', {
    frameRange: [10, 14],
    outputPath: 'out/%05d.png',
    encoding: { codec: 'png' },
  });
  for (const job of frameJobs) await handlers.render(job);

  const { output } = await handlers.stitch({ id: 'pictures' });

  expect(output).toBe(`${folder}/renders/pictures/output`);
  const found: string[] = [];
  for await (const { key } of store.list('renders/pictures/output/')) found.push(path.basename(key));
  expect(found).toEqual(['00000.png', '00001.png', '00002.png', '00003.png']);
});

test.each([
  ['plan', {}],
  ['render', { index: -1 }],
  ['audio', { id: '../other' }],
  ['stitch', 'text'],
] as const)('%s refuses an event that is not one', async (name, event) => {
  await expect(handlers[name](event)).rejects.toBeInstanceOf(ValidationError);
});
