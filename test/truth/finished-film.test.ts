import { afterAll, expect, test } from 'vitest';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { digests, fixture, Renderer } from '../helpers/renderer.ts';

const renderer = await Renderer.open();
afterAll(() => renderer[Symbol.asyncDispose]());

/** The film has 90 frames, the page 120: the last one stays. */
const composition = { source: fixture('barcode-video-30'), durationInFrames: 120 };
const wanted = Array.from({ length: 120 }, (_, frame) => Math.min(frame, 89));

test('a film that has ended keeps its last frame, in any number of segments', async () => {
  const whole = await renderer.render({ composition, chunking: { segments: 1 } });
  expect(await decodeBarcodes(whole.file)).toEqual(wanted);
  for (const segments of [3, 7]) {
    const parts = await renderer.render({ composition, chunking: { segments } });
    expect(await decodeBarcodes(parts.file)).toEqual(wanted);
    expect(digests(parts)).toEqual(digests(whole));
  }
});

test('a range after its end, and each tenth frame when replayed', async () => {
  const after = await renderer.render({ composition, frameRange: [100, 110] });
  expect(await decodeBarcodes(after.file)).toEqual(wanted.slice(100, 110));
  const tenth = await renderer.render({
    composition,
    encoding: { everyNthFrame: 10 },
    page: { seekMode: 'replay' },
  });
  expect(await decodeBarcodes(tenth.file)).toEqual(wanted.filter((_, frame) => frame % 10 === 0));
});
