import { cp, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { JobOrchestrator } from '../../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { verifyRender } from '../../src/orchestrator/verify.ts';
import { keys } from '../../src/storage/keys.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { frameNumbers } from '../helpers/fault-scene.ts';
import {
  digests,
  fixture,
  type JobSketch,
  type Rendered,
  Renderer,
  videoKeyOf,
} from '../helpers/renderer.ts';

let renderer: Renderer;
let looks = 0;
beforeAll(async () => {
  renderer = await Renderer.open();
});
afterAll(() => renderer[Symbol.asyncDispose]());

/** A composition of which nothing is in the store yet, and which shows its frames' numbers. */
function fresh(more: Partial<JobSketch['composition']> = {}): JobSketch['composition'] {
  return { source: fixture('barcode-raf'), inputProps: { look: ++looks }, ...more };
}

const ranges = ({ plan }: Rendered): unknown[] => plan.frameJobs.map(({ range }) => range);
const counts = ({ result }: Rendered): number[] => [result.segments.cached, result.segments.rendered];

async function expectFrames({ file }: Rendered, start: number, end: number): Promise<void> {
  expect(await decodeBarcodes(file)).toEqual(frameNumbers(start, end));
}

describe('a segment that the store has is not rendered', () => {
  test('for a longer duration: just the new end is', async () => {
    const composition = fresh({ durationInFrames: 40 });
    const short = await renderer.render({ composition });
    const long = await renderer.render({ composition: { ...composition, durationInFrames: 52 } });

    expect(long.plan.segmentsFound).toBe(short.plan.frameJobs.length);
    expect(ranges(long)).toEqual([...ranges(short), [40, 52]]);
    expect(counts(long)).toEqual([short.plan.frameJobs.length, 1]);
    await expectFrames(long, 0, 52);
  });

  test('in another job, with another output, however it would be cut', async () => {
    const composition = fresh({ durationInFrames: 40 });
    const first = await renderer.render({ composition, chunking: { segments: 3 } });
    const again = await renderer.render({
      composition,
      extension: 'mkv',
      chunking: { targetSegmentSeconds: 1 },
    });

    expect(again.plan.id).not.toBe(first.plan.id);
    expect(ranges(again)).toEqual(ranges(first));
    expect(counts(again)).toEqual([3, 0]);
    expect(again.plan.estimate.workMs).toBe(0);
    await expectFrames(again, 0, 40);
  });

  test('in a part that covers it, and in a whole that it is in the middle of', async () => {
    const composition = fresh({ durationInFrames: 60 });
    await renderer.render({ composition, frameRange: [20, 40], chunking: { segments: 2 } });

    const part = await renderer.render({ composition, frameRange: [15, 32] });
    expect(ranges(part)).toEqual([
      [15, 20],
      [20, 30],
      [30, 32],
    ]);
    expect(counts(part)).toEqual([1, 2]);
    const whole = await renderer.render({ composition });
    expect(ranges(whole)).toEqual([
      [0, 15],
      [15, 20],
      [20, 30],
      [30, 40],
      [40, 60],
    ]);
    expect(counts(whole)).toEqual([3, 2]);
    await expectFrames(whole, 0, 60);
    // Joined from five pieces of three renders, each picture is what it is when all are rendered in one go.
    const alone = await renderer.render({ composition, cache: false, chunking: { segments: 1 } });
    expect(digests(whole)).toEqual(digests(alone));
  });

  test('at another concurrency', async () => {
    const composition = fresh({ durationInFrames: 40 });
    const first = await renderer.render({ composition, chunking: { targetSegmentSeconds: 1 } });
    const orchestrator = new JobOrchestrator(renderer.worker, new LocalAdapter({ concurrency: 5 }));
    const outputPath = path.join(renderer.folder, 'five.mp4');
    const { segments } = await orchestrator.run({ id: 'five', composition, outputPath });
    expect(segments).toEqual({
      total: first.plan.frameJobs.length,
      cached: first.plan.frameJobs.length,
      rendered: 0,
    });
  });

  test('after a crash: what was ended is found, and the video comes out the same, byte for byte', async () => {
    const composition = fresh({ durationInFrames: 48 });
    const job: JobSketch = { composition, chunking: { segments: 4 } };
    const undisturbed = await renderer.render(job);
    const [, lost, , half] = undisturbed.plan.frameJobs as [FrameJob, FrameJob, FrameJob, FrameJob];
    // A worker that dies leaves nothing, or a video without its record.
    await renderer.store.delete(await videoKeyOf(renderer.store, lost));
    await renderer.store.delete(keys.segmentRecord(lost.segmentKey));
    await renderer.store.delete(keys.segmentRecord(half.segmentKey));

    const resumed = await renderer.render(job);
    expect([resumed.plan.segmentsFound, ...counts(resumed)]).toEqual([2, 2, 2]);
    expect(await readFile(resumed.file)).toEqual(await readFile(undisturbed.file));
  });

  test.each([
    ['png', { codec: 'png' }, ''],
    ['gif', { codec: 'gif' }, 'gif'],
    ['every third frame', { everyNthFrame: 3 }, 'mp4'],
  ] as const)('as %s', async (_, encoding, extension) => {
    const composition = fresh({ durationInFrames: 24 });
    const short = await renderer.render({ composition, encoding, extension });
    const long = await renderer.render({
      composition: { ...composition, durationInFrames: 30 },
      encoding,
      extension,
    });
    expect(ranges(long)).toEqual([...ranges(short), [24, 30]]);
    expect(counts(long)).toEqual([short.plan.frameJobs.length, 1]);
    expect(long.result.frames).toBe('everyNthFrame' in encoding ? 10 : 30);
    const alone = await renderer.render({
      composition: { ...composition, durationInFrames: 30 },
      cache: false,
      encoding,
      extension,
      chunking: { segments: 1 },
    });
    expect(digests(long)).toEqual(digests(alone));
  });

  test('of a page that keeps state from frame to frame', async () => {
    const composition = fresh({ source: fixture('barcode-state'), durationInFrames: 24 });
    await renderer.render({ composition, chunking: { segments: 1 } });
    const long = await renderer.render({ composition: { ...composition, durationInFrames: 30 } });
    expect(long.plan.seekMode).toBe('replay');
    expect(ranges(long)).toEqual([
      [0, 24],
      [24, 30],
    ]);
    expect(counts(long)).toEqual([1, 1]);
    await expectFrames(long, 0, 30);
  });
});

describe('a segment is rendered', () => {
  test('when a number of segments is asked for that cuts elsewhere: just so many come out', async () => {
    const composition = fresh({ durationInFrames: 40 });
    await renderer.render({ composition, chunking: { segments: 4 } });
    const two = await renderer.render({ composition, chunking: { segments: 2 } });
    expect([two.plan.segmentsFound, ...counts(two)]).toEqual([0, 0, 2]);
    const eight = await renderer.render({ composition, frameRange: [0, 20], chunking: { segments: 2 } });
    expect([eight.plan.segmentsFound, ...counts(eight)]).toEqual([2, 2, 0]);
  });

  test('when a prop or a file is another', async () => {
    const folder = path.join(renderer.folder, 'page');
    await cp(fixture('barcode-raf'), folder, { recursive: true });
    const composition = fresh({ source: folder, durationInFrames: 12 });
    expect(counts(await renderer.render({ composition }))).toEqual([0, 1]);
    const props = { ...composition, inputProps: { look: 'other' } };
    expect(counts(await renderer.render({ composition: props }))).toEqual([0, 1]);
    await writeFile(path.join(folder, 'unused.css'), 'body { color: red }');
    expect(counts(await renderer.render({ composition }))).toEqual([0, 1]);
    await mkdir(path.join(renderer.folder, 'moved'));
    await cp(folder, path.join(renderer.folder, 'moved', 'page'), { recursive: true });
    const moved = { ...composition, source: path.join(renderer.folder, 'moved', 'page') };
    expect(counts(await renderer.render({ composition: moved }))).toEqual([1, 0]);
  });

  test('when the job says cache: false, each time, and what the store has is left as it was', async () => {
    const job: RenderJobInput = {
      id: 'anew',
      composition: fresh({ durationInFrames: 12 }),
      outputPath: path.join(renderer.folder, 'anew.mp4'),
    };
    const orchestrator = new JobOrchestrator(renderer.worker, new LocalAdapter({ concurrency: 1 }));
    const run = async (cache: boolean) => (await orchestrator.run({ ...job, cache })).segments;
    expect(await run(true)).toEqual({ total: 1, cached: 0, rendered: 1 });
    expect(await run(false)).toEqual({ total: 1, cached: 0, rendered: 1 });
    expect(await run(false)).toEqual({ total: 1, cached: 0, rendered: 1 });
    expect(await run(true)).toEqual({ total: 1, cached: 1, rendered: 0 });
  });
});

test('a segment that is found counts as new, so that it does not expire under the render', async () => {
  const composition = fresh({ durationInFrames: 12 });
  const { plan } = await renderer.render({ composition });
  const [frameJob] = plan.frameJobs as [FrameJob];
  const files = [keys.segmentRecord(frameJob.segmentKey), await videoKeyOf(renderer.store, frameJob)];
  const old = new Date(Date.now() - 29 * 86_400_000);
  for (const key of files) await utimes(renderer.store.localPath(key), old, old);

  expect(counts(await renderer.render({ composition }))).toEqual([1, 0]);

  for (const key of files)
    expect((await renderer.store.head(key))?.modified.getTime()).toBeGreaterThan(Date.now() - 3_600_000);
});

test.each([
  ['while-it-loads', (tag: string) => tag],
  [
    'at-a-frame-that-the-plan-does-not-look-at',
    (tag: string) => `<script>
      requestAnimationFrame(function look() {
        if (Math.round(performance.now() * 0.03) === 3) document.head.insertAdjacentHTML('beforeend', '${tag}');
        requestAnimationFrame(look);
      });
    </script>`,
  ],
])('a page that loads from another host finds segments of its own job only: %s', async (when, write) => {
  let color = '#888';
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/css' }).end(`body { background: ${color} }`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const source = path.join(renderer.folder, when);
    await cp(fixture('barcode-raf'), source, { recursive: true });
    const page = path.join(source, 'index.html');
    const link = `<link rel="stylesheet" href="http://localhost:${port}/look.css">`;
    await writeFile(page, `${await readFile(page, 'utf8')}${write(link)}`);
    await using worker = new ChromiumFrameWorker(renderer.store, { ownMachine: true });
    const orchestrator = new JobOrchestrator(worker, new LocalAdapter());
    const render = async (name: string, durationInFrames: number) => {
      const id = `${when}-${name}`;
      const { segments } = await orchestrator.run({
        id,
        composition: { source, durationInFrames },
        page: { allowHosts: [`localhost:${port}`], seekMode: 'seek' },
        // Looking for sounds would go to every frame.
        encoding: { muted: true },
        outputPath: path.join(renderer.folder, `${id}.mp4`),
      });
      return { ...segments, found: (await readPlan(renderer.store, id)).segmentsFound };
    };
    expect(await render('first', 12)).toMatchObject({ found: 0, cached: 0 });
    color = '#44a';
    expect(await render('second', 24)).toMatchObject({ found: 0, cached: 0 });
    expect(await render('third', 12)).toMatchObject({ found: 0, cached: 0 });
    const { total } = await render('second', 24);
    expect(await render('second', 24)).toEqual({ total, found: total, cached: total, rendered: 0 });
    expect(await verifyRender(`${when}-second`, { store: renderer.store, frames: 4 })).toMatchObject({
      matched: 4,
    });
  } finally {
    server.close();
  }
});

test('two renders at once of a page that asks another host late keep segments of their own', async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    const shade = (++asked % 10).toString().repeat(3);
    response.writeHead(200, { 'content-type': 'text/css' }).end(`body { background: #${shade} }`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const source = path.join(renderer.folder, 'late-at-once');
    await cp(fixture('barcode-raf'), source, { recursive: true });
    const page = path.join(source, 'index.html');
    const link = `<link rel="stylesheet" href="http://localhost:${port}/look.css">`;
    const late = `<script>
      requestAnimationFrame(function look() {
        if (Math.round(performance.now() * 0.03) % 6 === 3) document.head.insertAdjacentHTML('beforeend', '${link}');
        requestAnimationFrame(look);
      });
    </script>`;
    await writeFile(page, `${await readFile(page, 'utf8')}${late}`);
    const render = async (id: string) => {
      await using worker = new ChromiumFrameWorker(renderer.store, { ownMachine: true });
      const { segments } = await new JobOrchestrator(worker, new LocalAdapter()).run({
        id,
        composition: { source, durationInFrames: 24 },
        page: { allowHosts: [`localhost:${port}`], seekMode: 'seek' },
        encoding: { muted: true },
        chunking: { segments: 4 },
        onSeamMismatch: 'warn',
        outputPath: path.join(renderer.folder, `${id}.mp4`),
      });
      return segments;
    };
    const both = () => Promise.all([render('late-one'), render('late-other')]);
    const anew = { total: 4, cached: 0, rendered: 4 };
    const found = { total: 4, cached: 4, rendered: 0 };
    expect(await both()).toEqual([anew, anew]);
    expect(await both()).toEqual([found, found]);
  } finally {
    server.close();
  }
});
