import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FunctionName } from '../../cdk/function-sizes.ts';
import { Handlers, LocalStore, type RenderResult, referenceTo } from '../../src/index.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { keys } from '../../src/storage/keys.ts';
import { readJson } from '../../src/storage/object-store.ts';
import { findSegmentRecord } from '../../src/worker/find-segment.ts';
import { type Handler, runMachine } from '../cdk/run-machine.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { decodeAudio } from '../helpers/decode-audio.ts';
import { fixture, videoKeyOf } from '../helpers/renderer.ts';

let folder: string;
let store: LocalStore;
let handlers: Handlers;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'whole-machine-'));
  store = new LocalStore(folder);
  handlers = new Handlers(store);
});
afterAll(async () => {
  await handlers[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Calls a handler as Lambda does: events, answers and errors are JSON. */
function asLambda(name: FunctionName, before: (call: number) => Promise<void> = async () => {}): Handler {
  let calls = 0;
  return async (event) => {
    const log = { group: `log of ${name}`, stream: 's1', requestId: 'r1' };
    try {
      await before(++calls);
      const answer = await handlers[name](JSON.parse(JSON.stringify(event)), { log });
      return JSON.parse(JSON.stringify(answer));
    } catch (thrown) {
      const error = thrown as Error;
      const told = { errorType: error.name, errorMessage: error.message, trace: [] };
      throw Object.assign(new Error(JSON.stringify(told)), { name: error.name });
    }
  };
}

const bound = (): Record<FunctionName, Handler> => ({
  plan: asLambda('plan'),
  render: asLambda('render'),
  audio: asLambda('audio'),
  stitch: asLambda('stitch'),
  failure: asLambda('failure'),
});

async function render(
  id: string,
  source: string,
  range: readonly [number, number],
  functions: Partial<Record<FunctionName, Handler>> = {},
) {
  const ref = await referenceTo(source, store);
  const chunking = { segments: 3 };
  const job = { id, composition: { source }, frameRange: range, outputPath: 'out.mp4', chunking };
  return runMachine({ ...bound(), ...functions }, { job, ref, capacity: 2 } as never);
}

const count = (calls: readonly (readonly [string, unknown])[], name: string) =>
  calls.filter(([what]) => what === name).length;
const framesFrom = (first: number) => Array.from({ length: 9 }, (_, place) => first + place);

test('the state machine renders three segments and their sound with the handlers of the functions', async () => {
  const { output, error, calls } = await render('whole', fixture('beeps'), [30, 39]);
  expect(error).toBeUndefined();
  const result = output as unknown as RenderResult;
  expect(result).toMatchObject({ frames: 9, audioTracks: 1, segments: { total: 3, cached: 0, rendered: 3 } });
  expect(await decodeBarcodes(result.output)).toEqual(framesFrom(30));
  expect(Math.max(...(await decodeAudio(result.output)).samples.map(Math.abs))).toBeGreaterThan(0.1);
  expect(calls.map(([what]) => what).toSorted()).toEqual(
    [
      'Render Started',
      'Render Succeeded',
      'audio',
      'plan',
      'render',
      'render',
      'render',
      'stitch',
    ].toSorted(),
  );
});

test('a segment that is lost before the stitch is rendered again, once, and nothing else', async () => {
  const records = async () => {
    const { frameJobs } = await readPlan(store, 'lost');
    return Promise.all(frameJobs.map((frameJob) => findSegmentRecord(store, frameJob)));
  };
  let before: Awaited<ReturnType<typeof records>> = [];
  const lose = async (call: number) => {
    if (call > 1) return;
    before = await records();
    const { frameJobs } = await readPlan(store, 'lost');
    await store.delete(await videoKeyOf(store, frameJobs[1]));
  };
  const stitch = asLambda('stitch', lose);
  // Other frames than those of the render before: it finds none of its segments.
  const { output, calls } = await render('lost', fixture('beeps'), [60, 69], { stitch });
  const result = output as unknown as RenderResult;
  expect(await decodeBarcodes(result.output)).toEqual(framesFrom(60));
  expect([count(calls, 'plan'), count(calls, 'render'), count(calls, 'stitch')]).toEqual([1, 6, 2]);
  expect(await store.head(keys.error('lost'))).toBeUndefined();
  // A record has the times that its segment took.
  const after = await records();
  expect([0, 1, 2].filter((index) => !isDeepStrictEqual(before[index], after[index]))).toEqual([1]);
});

test('an asset that is missing in one segment ends the render, and error.json says where and why', async () => {
  // The plan does not look at this frame.
  const source = path.join(folder, 'late');
  const page = `<!doctype html><meta name="helios-composition" content="width=64, height=64, fps=30, duration=3">
<img id="late" alt="">
<script>
function tick(timestamp) {
  requestAnimationFrame(tick);
  if (Math.round((timestamp * 30) / 1000) === 62) document.querySelector('#late').src = 'missing.png';
}
requestAnimationFrame(tick);
</script>`;
  await mkdir(source);
  await writeFile(path.join(source, 'index.html'), page);
  const { error, calls } = await render('late', source, [0, 90]);
  expect(error).toMatchObject({ name: 'RenderFailed' });
  expect(count(calls, 'stitch')).toBe(0);
  expect(await readJson(store, keys.error('late'))).toMatchObject({
    name: 'AssetError',
    message: expect.stringContaining('missing.png'),
    details: { frame: 62 },
    segment: { index: 2, range: [60, 90] },
    execution: 'arn:execution:r1',
    log: { group: 'log of render', stream: 's1' },
  });
});

test('a plan of a page that throws ends the render, and error.json says why and where its log is', async () => {
  const { error, calls } = await render('throws', fixture('bad/script-throws-at-frame-20'), [0, 90]);
  expect(error).toMatchObject({ name: 'RenderFailed' });
  expect(count(calls, 'render')).toBe(0);
  expect(await readJson(store, keys.error('throws'))).toMatchObject({
    name: 'PageScriptError',
    message: expect.stringContaining('broken at frame'),
    details: { frame: expect.any(Number) },
    step: 'plan',
    log: { group: 'log of plan', stream: 's1' },
  });
});
