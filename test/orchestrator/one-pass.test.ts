import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { referenceTo } from '../../src/index.ts';
import { planJob } from '../../src/orchestrator/plan.ts';
import { verifyRender } from '../../src/orchestrator/verify.ts';
import { renderJobSchema } from '../../src/types/render-job.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';

const counting: JobSketch['composition'] = { source: fixture('barcode-state') };

let renderer: Renderer;
beforeEach(async () => {
  // One worker: nothing is cut, however slow the machine is.
  renderer = await Renderer.open(1);
});
afterEach(() => renderer[Symbol.asyncDispose]());

const frames = (start: number, end: number): number[] =>
  Array.from({ length: end - start }, (_, index) => start + index);

test('a page that keeps state is shown in order, in one browser, without a try at seeking', async () => {
  const browsers = vi.spyOn(renderer.worker, 'withBrowser');
  const { file, result, plan } = await renderer.render({ composition: counting });
  expect(plan.untried).toBe(true);
  expect(result).toMatchObject({ seekMode: 'seek', segments: { total: 1, rendered: 1 } });
  expect(await decodeBarcodes(file)).toEqual(frames(0, 90));
  // For the plan, and for the only segment.
  expect(browsers).toHaveBeenCalledTimes(2);
  expect(await verifyRender(result.id, { store: renderer.store })).toMatchObject({
    matched: 12,
    rounded: 0,
  });
});

test.each(['auto', 'seek', 'replay'] as const)('what was measured for %s is remembered', async (seekMode) => {
  const job: JobSketch = { composition: { source: fixture('barcode-raf') }, page: { seekMode } };
  const { result } = await renderer.render(job);
  expect(result.seekMode).toBe(seekMode === 'replay' ? 'replay' : 'seek');
  const browsers = vi.spyOn(renderer.worker, 'withBrowser');
  const again = await renderer.render(job);
  expect(again.result.segments).toMatchObject({ cached: 1, rendered: 0 });
  expect(browsers).not.toHaveBeenCalled();
});

type Rest = Omit<JobSketch, 'composition'> & { readonly frameRange?: [number, number] };

test.each<[string, Rest, Rest]>([
  ['in three segments', {}, { chunking: { segments: 3 } }],
  ['from its middle on', {}, { frameRange: [37, 71] }],
  ['longer than before', { frameRange: [0, 80] }, {}],
])('the same page %s is tried, though it was rendered before', async (_, earlier, later) => {
  const before = await renderer.render({ ...earlier, composition: counting });
  expect(before.result.seekMode).toBe('seek');
  const { file, result } = await renderer.render({ ...later, composition: counting });
  expect(result).toMatchObject({ seekMode: 'replay', segments: { cached: 0 } });
  expect(await decodeBarcodes(file)).toEqual(frames(...(later.frameRange ?? [0, 90])));
});

test.each([
  ['is seeked to', 'let', 'seek'],
  ['is replayed', 'var', 'replay'],
])('a page that is dear in the end only is tried, and cut; one that %s', async (_, count, seekMode) => {
  const source = path.join(renderer.folder, 'dear');
  await mkdir(source);
  // A variable of the page counts the frames that were shown, one of the function does not.
  const page = `<!doctype html><meta name="helios-composition" content="width=320, height=180, fps=30, duration=5">
    <p></p><script>
      ${count === 'var' ? 'var' : '//'} work = 0;
      requestAnimationFrame(function show(ms) {
        ${count === 'var' ? '//' : 'let'} work = 0;
        if (ms > 4500) for (let i = 0; i < 1e8; i++) work += i % 7;
        document.querySelector('p').textContent = ms + work;
        requestAnimationFrame(show);
      });
    </script>`;
  await writeFile(path.join(source, 'index.html'), page);
  const { store, worker } = renderer;
  const ref = await referenceTo(source, store);
  const job = renderJobSchema.parse({ id: 'dear', composition: { source }, outputPath: 'out.mp4' });
  const browsers = vi.spyOn(worker, 'withBrowser');
  const plan = await planJob(job, { ref, worker, capacity: 2, idleIsFree: true });
  expect(browsers).toHaveBeenCalledTimes(2);
  expect(plan.seekMode).toBe(seekMode);
  expect(plan.untried).toBeUndefined();
  if (seekMode === 'seek') expect(plan.frameJobs.length).toBeGreaterThan(1);
});

test('verify goes to every third frame as the render did', async () => {
  const { result, plan } = await renderer.render({
    composition: { source: fixture('barcode-raf') },
    encoding: { everyNthFrame: 3 },
  });
  expect(plan.untried).toBeUndefined();
  expect(await verifyRender(result.id, { store: renderer.store })).toMatchObject({
    matched: 12,
    rounded: 0,
  });
});
