import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { digests, example, fixture, type JobSketch, type Rendered, Renderer } from '../helpers/renderer.ts';

const examples = readdirSync(example(''), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open();
});
afterAll(() => renderer[Symbol.asyncDispose]());

async function renderTwice(job: JobSketch, segments: number): Promise<{ whole: Rendered; parts: Rendered }> {
  const whole = await renderer.render({ ...job, chunking: { segments: 1 } });
  const parts = await renderer.render({ ...job, chunking: { segments } });
  expect(parts.records).toHaveLength(segments);
  expect(parts.result.seekMode).toBe(whole.result.seekMode);
  return { whole, parts };
}

// The same for the barcode fixtures: frame-truth.test.ts.
describe('frames of one segment and of seven are bit for bit the same', () => {
  // Half the size shows the whole page all the same, at a quarter of the work.
  test.each(examples)('examples/%s', async (name) => {
    const job: JobSketch = {
      composition: { source: example(name) },
      frameRange: [40, 68],
      encoding: { scale: 0.5, muted: true },
    };
    const { whole, parts } = await renderTwice(job, 7);
    expect(whole.result).toMatchObject({ seekMode: 'seek', width: 960, height: 540 });
    expect(digests(parts)).toEqual(digests(whole));
    expect(new Set(digests(whole)).size).toBeGreaterThan(20);
  });

  test.each(['helios-captions', 'video-and-music'])('examples/%s in its full size', async (name) => {
    const job: JobSketch = {
      composition: { source: example(name) },
      frameRange: [90, 96],
      encoding: { muted: true },
    };
    const { whole, parts } = await renderTwice(job, 2);
    expect(whole.result).toMatchObject({ width: 1920, height: 1080 });
    expect(digests(parts)).toEqual(digests(whole));
  });

  test('pictures that FFmpeg makes smaller', async () => {
    const job: JobSketch = {
      composition: { source: example('css-title') },
      frameRange: [40, 54],
      encoding: { scale: 1 / 3, muted: true },
    };
    const { whole, parts } = await renderTwice(job, 7);
    expect(whole.result).toMatchObject({ seekMode: 'seek', width: 640, height: 360 });
    expect(digests(parts)).toEqual(digests(whole));
  });

  test('lossless and transparent pictures', async () => {
    const job: JobSketch = {
      composition: { source: example('lower-third') },
      frameRange: [20, 30],
      encoding: { codec: 'prores', transparent: true, scale: 0.5 },
      extension: 'mov',
    };
    const { whole, parts } = await renderTwice(job, 5);
    expect(digests(parts)).toEqual(digests(whole));
  });

  test.each([
    ['gsap-timeline', 'begin-frame'],
    ['gsap-timeline', 'screenshot'],
    ['helios-captions', 'screenshot'],
  ] as const)('examples/%s, pictures taken by %s', async (name, capture) => {
    const job: JobSketch = {
      composition: { source: example(name) },
      frameRange: [40, 54],
      encoding: { scale: 0.5, muted: true },
      page: { capture },
    };
    const { whole, parts } = await renderTwice(job, 7);
    expect([whole.result.capture, parts.result.capture]).toEqual([{ [capture]: 1 }, { [capture]: 7 }]);
    expect(digests(parts)).toEqual(digests(whole));
  });
});

describe('a frame job gives the same frames alone and after others', () => {
  const jobs: readonly (readonly [string, JobSketch])[] = [
    [
      'helios-captions',
      { composition: { source: example('helios-captions') }, encoding: { scale: 0.5, muted: true } },
    ],
    [
      'gsap-timeline',
      { composition: { source: example('gsap-timeline') }, encoding: { scale: 0.5, muted: true } },
    ],
    [
      'webgl-shader',
      { composition: { source: example('webgl-shader') }, encoding: { scale: 0.5, muted: true } },
    ],
    ['world-text', { composition: { source: example('world-text') }, encoding: { scale: 0.5, muted: true } }],
    ['barcode-video-ntsc', { composition: { source: fixture('barcode-video-ntsc') } }],
    ['barcode-state', { composition: { source: fixture('barcode-state') } }],
  ];

  test.each(jobs)('%s', async (_, job) => {
    const range: JobSketch = { ...job, frameRange: [70, 74], chunking: { segments: 1 } };
    // The other tests' jobs went before in this worker's browsers.
    const after = await renderer.render(range);
    await using fresh = await Renderer.open(1);
    const alone = await fresh.render(range);
    expect([after.result.segments.cached, alone.result.segments.cached]).toEqual([0, 0]);
    expect(alone.plan.frameJobs[0]?.segmentKey).toBe(after.plan.frameJobs[0]?.segmentKey);
    expect(digests(alone)).toEqual(digests(after));
    expect(alone.records[0]?.sha256).toBe(after.records[0]?.sha256);
  });
});

describe('segments that the store has', () => {
  const composition = { source: fixture('barcode-raf') };

  test('are not rendered again', async () => {
    const job: JobSketch = { composition, frameRange: [3, 24], chunking: { segments: 3 } };
    const first = await renderer.render(job);
    const again = await renderer.render(job);
    expect(first.result.segments).toEqual({ total: 3, cached: 0, rendered: 3 });
    expect(again.result.segments).toEqual({ total: 3, cached: 3, rendered: 0 });
    expect(digests(again)).toEqual(digests(first));
    expect(await readFile(again.file)).toEqual(await readFile(first.file));
  });

  test('serve a plan in which they have another place', async () => {
    await renderer.render({ composition, frameRange: [4, 32], chunking: { segments: 7 } });
    const later = await renderer.render({ composition, frameRange: [16, 24], chunking: { segments: 2 } });
    expect(later.result.segments).toEqual({ total: 2, cached: 2, rendered: 0 });
    expect(await decodeBarcodes(later.file)).toEqual([16, 17, 18, 19, 20, 21, 22, 23]);
  });
});
