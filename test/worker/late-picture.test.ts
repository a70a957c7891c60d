import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Framebuffer } from '../../src/worker/framebuffer.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { digests, fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open(1);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => renderer[Symbol.asyncDispose]());

// Reads of the memory: one before the first frame, one for each frame, and one more where a picture is kept.
test.each([
  ['first', 1],
  ['middle', 6],
  ['last', 11],
])('memory that has the %s frame too late is read again', async (_, place) => {
  const job: JobSketch = {
    composition: { source: fixture('barcode-raf'), inputProps: { place } },
    frameRange: [20, 30],
    chunking: { segments: 1 },
  };
  const { result, records } = await renderer.render(job);
  expect(result.capture).toEqual({ framebuffer: 1 });
  for (const { segmentKey } of records)
    await rm(path.dirname(renderer.store.localPath(`segments/${segmentKey}`)), { recursive: true });

  const read = Framebuffer.prototype.read;
  let reads = 0;
  let before: Buffer = Buffer.alloc(0);
  const spy = vi.spyOn(Framebuffer.prototype, 'read').mockImplementation(function (this: Framebuffer, into) {
    const isLate = reads++ === place;
    if (isLate) into.set(before);
    else read.call(this, into);
    before = Buffer.from(into);
  });
  const again = await renderer.render(job);
  expect(spy.mock.calls.length).toBeGreaterThan(place);
  expect(await decodeBarcodes(again.file)).toEqual(Array.from({ length: 10 }, (_, at) => 20 + at));
  expect(again.result.capture).toEqual({ framebuffer: 1 });
});

test('memory that has another picture when it is read once more is not believed', async () => {
  const job: JobSketch = {
    composition: { source: fixture('barcode-raf'), inputProps: { place: 'kept' } },
    frameRange: [20, 30],
    chunking: { segments: 1 },
  };
  const read = Framebuffer.prototype.read;
  let planned = false;
  let reads = 0;
  const wrong = new Set([1]);
  vi.spyOn(Framebuffer.prototype, 'read').mockImplementation(function (this: Framebuffer, into) {
    read.call(this, into);
    if (planned && wrong.delete(reads++)) into.fill(0, 0, 4_000);
  });
  const { records } = await renderer.render(job);
  for (const { segmentKey } of records)
    await rm(path.dirname(renderer.store.localPath(`segments/${segmentKey}`)), { recursive: true });
  planned = true;
  const again = await renderer.render(job);
  expect(wrong.size).toBe(0);
  expect(digests(again)).toEqual(records.flatMap(({ frameDigests }) => frameDigests));
});

test('half a picture of the frame before is not believed, at any frame', async () => {
  const job: JobSketch = {
    composition: { source: fixture('barcode-raf'), inputProps: { place: 'half' } },
    frameRange: [20, 30],
    chunking: { segments: 1 },
  };
  const { records } = await renderer.render(job);
  for (const { segmentKey } of records)
    await rm(path.dirname(renderer.store.localPath(`segments/${segmentKey}`)), { recursive: true });

  const read = Framebuffer.prototype.read;
  let reads = 0;
  let before: Buffer = Buffer.alloc(0);
  vi.spyOn(Framebuffer.prototype, 'read').mockImplementation(function (this: Framebuffer, into) {
    read.call(this, into);
    const drawn = Buffer.from(into);
    if (reads++ === 6) into.set(before.subarray(before.length / 2), before.length / 2);
    before = drawn;
  });
  const again = await renderer.render(job);
  expect(reads).toBeGreaterThan(12);
  expect(digests(again)).toEqual(records.flatMap(({ frameDigests }) => frameDigests));
});

test('a page that draws by itself, from a worker, is rendered, and its seams tell', async () => {
  const source = path.join(renderer.folder, 'by-itself');
  await mkdir(source);
  const draws = `onmessage = ({ data: canvas }) => {
    const context = canvas.getContext('2d');
    setInterval(() => {
      for (let at = 0; at < 200; at++) {
        context.fillStyle = 'hsl(' + Math.random() * 360 + ' 100% 50%)';
        context.fillRect(Math.random() * 320, Math.random() * 180, 20, 20);
      }
    }, 5);
  }`;
  const page = `<!doctype html><canvas id="canvas" width="320" height="180"></canvas><script>
    const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(draws)}])));
    const canvas = document.getElementById('canvas').transferControlToOffscreen();
    worker.postMessage(canvas, [canvas]);
  </script>`;
  await writeFile(path.join(source, 'index.html'), page);
  const { result } = await renderer.render({
    composition: { source, width: 320, height: 180, fps: 30, durationInFrames: 20 },
    page: { seekMode: 'seek' },
    encoding: { muted: true },
    chunking: { segments: 2 },
    onSeamMismatch: 'warn',
  });
  expect(result.capture).toEqual({ framebuffer: 2 });
  expect(result.seams).toMatchObject({ checked: 1, mismatched: 1 });
});
