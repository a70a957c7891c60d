import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { SeamMismatchError } from '../../src/utils/errors.ts';
import { FrameTicker } from '../../src/worker/frame-ticker.ts';
import { fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open(1);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => renderer[Symbol.asyncDispose]());

// The first picture is that of the pre-roll; the last one is where the second segment begins.
test.each([
  ['first of the second', 1, 1],
  ['next of the first', 0, 6],
])('a JPEG of the frame before is told at the seam: %s segment', async (place, segment, number) => {
  const job: JobSketch = {
    composition: { source: fixture('barcode-raf'), inputProps: { place } },
    page: { capture: 'begin-frame' },
    frameRange: [20, 30],
    chunking: { segments: 2 },
    cache: false,
  };
  const { result } = await renderer.render(job);
  expect(result.seams).toMatchObject({ checked: 1, matched: 1 });
  expect(result.capture).toEqual({ 'begin-frame': 2 });

  const { shoot } = FrameTicker.prototype;
  const { renderFrame } = renderer.worker;
  let taken = Number.POSITIVE_INFINITY;
  let before: string | undefined;
  let late = 0;
  vi.spyOn(renderer.worker, 'renderFrame').mockImplementation((frameJob, context) => {
    taken = frameJob.index === segment ? 0 : Number.POSITIVE_INFINITY;
    return renderFrame.call(renderer.worker, frameJob, context);
  });
  vi.spyOn(FrameTicker.prototype, 'shoot').mockImplementation(async function (this: FrameTicker, screenshot) {
    const data = await shoot.call(this, screenshot);
    if (screenshot.format !== 'jpeg') return data;
    const isLate = taken++ === number;
    if (isLate) late++;
    const given = isLate ? before : data;
    before = data;
    return given;
  });
  const failure = await renderer.render(job).catch((error: unknown) => error);
  expect(late).toBe(1);
  expect(failure).toBeInstanceOf(SeamMismatchError);
  expect(failure).toMatchObject({ details: { frame: 25, levels: 255 } });
});
