import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { subjects } from '../../bench/prepare.ts';
import { referenceTo } from '../../src/index.ts';
import { comparePictures, isRounding } from '../../src/stitcher/compare-pictures.ts';
import { captureScale, pictureSize } from '../../src/types/codecs.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import { type CapturePath, capturePaths, pageOptionsSchema } from '../../src/types/render-job.ts';
import { runFfmpeg } from '../../src/utils/ffmpeg.ts';
import { Camera, type Scene } from '../../src/worker/camera.ts';
import { browserKindOf } from '../../src/worker/chromium-flags.ts';
import { segmentArgs } from '../../src/worker/encoder-args.ts';
import type { Picture } from '../../src/worker/picture.ts';
import { example, type JobSketch, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open(1);
});
afterAll(() => renderer[Symbol.asyncDispose]());

/**
 * How far, in levels of 255, the luma and chroma that an encoder is given may be from those of the reference capture:
 * a PNG of the frame, converted exactly. Seen at 1920×1080 in the looks of the benchmark, at the most:
 * 1 and 0.008 for `framebuffer`, which is the PNG before it is made 4:2:0 (framebuffer.test.ts);
 * 22 at an edge and 0.53 for JPEG of quality 95.
 */
const bounds: Readonly<Record<CapturePath, { most: number; mean: number }>> = {
  framebuffer: { most: 1, mean: 0.02 },
  'begin-frame': { most: 24, mean: 0.6 },
  screenshot: { most: 24, mean: 0.6 },
};

const FRAMES = [1, 40];

type Encoding = NonNullable<JobSketch['encoding']>;

interface Taken {
  readonly scene: Scene;
  readonly path: CapturePath;
  readonly pictures: readonly Picture[];
}

async function take(source: string, encoding: Encoding, capture: CapturePath): Promise<Taken> {
  const ref = await referenceTo(source, renderer.store);
  const scene: Scene = {
    composition: {
      ...{ ref, kind: 'page', fps: 30, durationInFrames: 60, inputProps: {} },
      ...{ width: 1920, height: 1080 },
    },
    encoding: encodingSchema.parse(encoding),
    page: { ...pageOptionsSchema.parse({ capture }), seekMode: 'seek' },
  };
  const kind = browserKindOf(scene.page, captureScale(scene.encoding));
  return renderer.worker.withBrowser({ ref }, kind, undefined, async (browser) => {
    await using camera = await Camera.open(browser, scene, FRAMES[0] as number);
    const pictures: Picture[] = [];
    for (const frame of FRAMES) {
      const { picture } = await camera.take(frame);
      pictures.push({ ...picture, bytes: Buffer.from(picture.bytes) });
    }
    return { scene, path: camera.path, pictures };
  });
}

const EXACTLY = 'accurate_rnd+full_chroma_int+full_chroma_inp';
const TO_VIDEO = `scale=out_color_matrix=bt709:out_range=tv:flags=area+${EXACTLY},format=yuv420p`;

function planesOf(picture: Picture, filters: string): Promise<Buffer> {
  const args = ['-f', 'image2pipe', '-i', 'pipe:0', '-vf', filters, '-f', 'rawvideo', 'pipe:1'];
  return runFfmpeg(args, { input: picture.bytes });
}

/** As FFmpeg hands it on to the encoder. */
async function encoderInput(picture: Picture, { encoding, composition }: Scene): Promise<Buffer> {
  if (picture.format === 'i420') return picture.bytes;
  const size = pictureSize({ composition, encoding });
  const args = segmentArgs({ encoding, fps: 30, pictures: picture.format, size, file: '', pacing: [] });
  return await planesOf(picture, args[args.indexOf('-vf') + 1] as string);
}

function difference(one: Buffer, other: Buffer): { most: number; mean: number } {
  expect(one).toHaveLength(other.length);
  let [most, sum] = [0, 0];
  for (let at = 0; at < one.length; at++) {
    const levels = Math.abs((one[at] as number) - (other[at] as number));
    most = Math.max(most, levels);
    sum += levels;
  }
  return { most, mean: sum / one.length };
}

describe.each(subjects(true))('$name', ({ folder: source }) => {
  let reference: Taken;
  beforeAll(async () => {
    reference = await take(source, { codec: 'png' }, 'begin-frame');
  });

  test.each(capturePaths)('is given to the encoder within the bound of %s', async (capture) => {
    const { path, pictures, scene } = await take(source, {}, capture);
    expect(path).toBe(capture);
    for (const [at, picture] of pictures.entries()) {
      const wanted = await planesOf(reference.pictures[at] as Picture, TO_VIDEO);
      const { most, mean } = difference(await encoderInput(picture, scene), wanted);
      expect(most, `frame ${FRAMES[at]}`).toBeLessThanOrEqual(bounds[capture].most);
      expect(mean, `frame ${FRAMES[at]}`).toBeLessThanOrEqual(bounds[capture].mean);
    }
  });
});

test.each<[string, Encoding]>([
  ['css-title', { codec: 'png' }],
  ['gsap-timeline', { codec: 'png', scale: 0.5 }],
  ['lower-third', { codec: 'prores', transparent: true, scale: 0.5 }],
])('begin-frame and screenshot take the same PNG of %s, but for a rounding', async (name, encoding) => {
  const { pictures, scene } = await take(example(name), encoding, 'begin-frame');
  const shots = await take(example(name), encoding, 'screenshot');
  for (const [at, { bytes }] of pictures.entries()) {
    const found = await comparePictures(bytes, (shots.pictures[at] as Picture).bytes);
    expect(found).toSatisfy(() => isRounding(found, pictureSize(scene)));
  }
});
