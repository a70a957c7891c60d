import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { FrameTicker } from '../../src/worker/frame-ticker.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open(1);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => renderer[Symbol.asyncDispose]());

// With the one of the pre-roll; the first picture is kept for a seam, and the last one is where the next segment begins.
test.each([
  ['first', 1],
  ['last', 11],
])('a JPEG of the frame before is not believed at the %s frame of a segment', async (place, number) => {
  const job: JobSketch = {
    composition: { source: fixture('barcode-raf'), inputProps: { place } },
    page: { capture: 'begin-frame' },
    frameRange: [20, 30],
    chunking: { segments: 1 },
  };
  const { records } = await renderer.render({ ...job, cache: false });
  expect(records[0]?.captureMode).toBe('begin-frame');
  const shoot = FrameTicker.prototype.shoot;
  let taken = -Infinity;
  let before: string | undefined;
  const find = vi.spyOn(renderer.worker, 'renderFrame').mockImplementation((...args) => {
    find.mockRestore();
    taken = 0;
    return renderer.worker.renderFrame(...args);
  });
  vi.spyOn(FrameTicker.prototype, 'shoot').mockImplementation(async function (this: FrameTicker, screenshot) {
    const data = await shoot.call(this, screenshot);
    if (screenshot.format !== 'jpeg') return data;
    const given = taken++ === number ? before : data;
    before = data;
    return given;
  });
  const { file, result } = await renderer.render({ ...job, cache: false });
  expect(taken).toBeGreaterThan(number);
  expect(result.capture).toEqual({ 'begin-frame': 1 });
  expect(await decodeBarcodes(file)).toEqual(Array.from({ length: 10 }, (_, at) => 20 + at));
});
