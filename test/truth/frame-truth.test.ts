import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeBarcodes, readBarcode } from '../helpers/barcode.ts';
import { playVideo } from '../helpers/play-video.ts';
import { digests, fixture, Renderer } from '../helpers/renderer.ts';

const FRAMES = 90;

interface Case {
  readonly name: string;
  readonly seekMode?: 'replay';
  /** The number that a frame carries. @default its own */
  readonly shows?: (frame: number) => number;
}

const cases: readonly Case[] = [
  { name: 'barcode-helios-dom' },
  { name: 'barcode-helios-canvas' },
  { name: 'barcode-late-helios' },
  { name: 'barcode-css' },
  { name: 'barcode-waapi' },
  { name: 'barcode-raf' },
  { name: 'barcode-timers' },
  { name: 'barcode-webgl' },
  { name: 'barcode-gsap' },
  { name: 'barcode-iframe' },
  { name: 'barcode-state', seekMode: 'replay' },
  { name: 'barcode-video-25', shows: (frame) => Math.floor((frame * 25) / 30) },
  { name: 'barcode-video-30' },
  { name: 'barcode-video-ntsc' },
];

function numbers([start, end]: readonly [number, number], shows: Case['shows'] = (frame) => frame): number[] {
  return Array.from({ length: end - start }, (_, index) => shows(start + index));
}

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open();
});
afterAll(() => renderer[Symbol.asyncDispose]());

describe.each(cases)('$name', ({ name, seekMode = 'seek', shows }) => {
  const composition = { source: fixture(name) };

  test('shows every frame once and in order', async () => {
    const { file, result } = await renderer.render({ composition, chunking: { segments: 1 } });
    expect(await decodeBarcodes(file)).toEqual(numbers([0, FRAMES], shows));
    expect(result).toMatchObject({ frames: FRAMES, seekMode, capture: { framebuffer: 1 }, warnings: [] });
  });

  test.each([3, 7])('is the same in %i segments, bit for bit before the encoder', async (segments) => {
    const parts = await renderer.render({ composition, chunking: { segments } });
    expect(parts.result).toMatchObject({ frames: FRAMES, seekMode, warnings: [] });
    expect(parts.records).toHaveLength(segments);
    expect(await decodeBarcodes(parts.file)).toEqual(numbers([0, FRAMES], shows));
    const whole = await renderer.render({ composition, chunking: { segments: 1 } });
    expect(digests(parts)).toEqual(digests(whole));
  });

  test('shows just the frames of a range that starts in the middle', async () => {
    const { file, result } = await renderer.render({
      composition,
      frameRange: [37, 71],
      chunking: { segments: 2 },
    });
    expect(await decodeBarcodes(file)).toEqual(numbers([37, 71], shows));
    expect(result.seekMode).toBe(seekMode);
  });
});

// The paths that `auto` does not take here.
describe.each(['begin-frame', 'screenshot'] as const)('pictures that are taken by %s', (capture) => {
  const representative = cases.filter(({ name }) => !/late|timers|25|ntsc/.test(name));

  test.each(representative)('are those of $name', async ({ name, seekMode = 'seek', shows }) => {
    const job = { composition: { source: fixture(name) }, page: { capture } };
    const whole = await renderer.render({ ...job, frameRange: [0, 18], chunking: { segments: 1 } });
    expect(await decodeBarcodes(whole.file)).toEqual(numbers([0, 18], shows));
    const parts = await renderer.render({ ...job, frameRange: [7, 16], chunking: { segments: 3 } });
    expect(await decodeBarcodes(parts.file)).toEqual(numbers([7, 16], shows));
    expect(digests(parts)).toEqual(digests(whole).slice(7, 16));
    expect(whole.result).toMatchObject({ seekMode, capture: { [capture]: 1 }, warnings: [] });
    expect(parts.result).toMatchObject({ seekMode, capture: { [capture]: 3 }, warnings: [] });
  });
});

test('a page that shows a picture for some frames and is slow to show the next one', async () => {
  const composition = { source: fixture('barcode-held') };
  const { file, result } = await renderer.render({ composition, frameRange: [3, 21] });
  expect(await decodeBarcodes(file)).toEqual(numbers([3, 21], (frame) => Math.floor(frame / 3)));
  expect(result.seekMode).toBe('seek');
});

test.each([
  [1, 'framebuffer'],
  [4, 'framebuffer'],
  [4, 'begin-frame'],
  [4, 'screenshot'],
] as const)('a page whose pictures stay, in %i segments cut anywhere, by %s', async (segments, capture) => {
  const composition = { source: fixture('barcode-stays') };
  const shows = (frame: number) => Math.floor(frame / 25);
  const { file, result, records } = await renderer.render({
    composition,
    frameRange: [7, 168],
    chunking: { segments },
    page: { capture },
  });
  expect(await decodeBarcodes(file)).toEqual(numbers([7, 168], shows));
  expect(result).toMatchObject({
    ...{ frames: 161, joinedBy: 'kit', seekMode: 'seek' },
    capture: { [capture]: segments },
  });
  const captured = records.reduce((sum, record) => sum + record.captured, 0);
  expect(captured).toBe(6 + segments);
  // Backwards and forwards, to the key frame, within a stay, and to the frames on both sides of a change.
  const frames = [160, 0, 17, 18, 42, 43, 60, 61, 100, 30, 159];
  const times = frames.map((frame) => (frame + 0.5) / 30);
  const { duration, pictures } = await playVideo(file, times);
  expect(duration).toBeCloseTo(161 / 30, 3);
  expect(pictures.map((picture) => readBarcode(Uint8Array.from(picture), 320, 180))).toEqual(
    frames.map((frame) => shows(7 + frame)),
  );
});

describe('a range at the edge of a composition', () => {
  test.each<[string, [number, number]]>([
    ['the first frame', [0, 1]],
    ['one frame in the middle', [57, 58]],
    ['the last frame', [89, 90]],
    ['two frames', [44, 46]],
  ])('%s', async (_, frameRange) => {
    for (const name of ['barcode-helios-dom', 'barcode-raf', 'barcode-video-30', 'barcode-state']) {
      const { file } = await renderer.render({ composition: { source: fixture(name) }, frameRange });
      expect(await decodeBarcodes(file), name).toEqual(numbers(frameRange));
    }
  });
});

describe('a simulation that keeps state', () => {
  const composition = { source: fixture('barcode-state') };

  test('is found out when one frame in its middle is all that is asked for', async () => {
    await using fresh = await Renderer.open();
    const { file, result } = await fresh.render({ composition, frameRange: [57, 58] });
    expect(result.seekMode).toBe('replay');
    expect(await decodeBarcodes(file)).toEqual([57]);
  });

  test('is found out although its first frame was rendered before', async () => {
    await using fresh = await Renderer.open();
    await fresh.render({ composition, frameRange: [0, 1] });
    const { file, result } = await fresh.render({ composition });
    expect(result.seekMode).toBe('replay');
    expect(await decodeBarcodes(file)).toEqual(numbers([0, FRAMES]));
  });
});

describe.each([
  ['24000/1001', 'barcode-raf'],
  [24, 'barcode-css'],
  [25, 'barcode-timers'],
  [50, 'barcode-waapi'],
  [60, 'barcode-video-30'],
  ['60000/1001', 'barcode-video-30'],
] as const)('at %s frames a second', (fps, name) => {
  test(`${name} shows what it shows at each frame's time`, async () => {
    const durationInFrames = 50;
    const { file } = await renderer.render({
      composition: { source: fixture(name), fps, durationInFrames },
      chunking: { segments: 3 },
    });
    const [num = 1, den = 1] = String(fps).split('/').map(Number);
    // The pages step at half frames, a film at whole ones.
    const round = name === 'barcode-video-30' ? (x: number) => Math.floor(x + 1e-9) : Math.round;
    expect(await decodeBarcodes(file)).toEqual(
      numbers([0, durationInFrames], (frame) => round((frame * 30 * den) / num)),
    );
  });
});
