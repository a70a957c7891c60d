import { readFile } from 'node:fs/promises';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stitch } from '../../../src/stitcher/stitch.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { createWorkFolder, type WorkFolder } from '../../../src/utils/work-folder.ts';
import { openKit } from '../../../src/worker/kit.ts';
import { readBarcode } from '../../helpers/barcode.ts';
import { fixture } from '../../helpers/renderer.ts';
import { encodeSegment, encodeSound, type StoredSegment, storeSegments } from './segments.ts';

let folder: WorkFolder;
beforeAll(async () => {
  folder = await createWorkFolder('play-test');
});
afterAll(() => folder[Symbol.asyncDispose]());

interface Shown {
  readonly duration: number;
  /** Gray pictures, 320 by 180. */
  readonly pictures: number[][];
}

/** What a `<video>` of Chromium shows at some times, one after the other. */
async function play(file: string, seconds: readonly number[]): Promise<Shown> {
  const kit = await openKit();
  const browser = await puppeteer.launch({
    executablePath: kit.chromiumPath,
    env: { ...kit.env },
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--mute-audio'],
  });
  try {
    const page = await browser.newPage();
    return await page.evaluate(
      async (base64, times) => {
        const bytes = await (await fetch(`data:video/mp4;base64,${base64}`)).blob();
        const video = document.createElement('video');
        const event = (name: string) =>
          new Promise<void>((resolve, reject) => {
            video.addEventListener(name, () => resolve(), { once: true });
            video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true });
          });
        document.body.append(video);
        const loaded = event('loadeddata');
        video.src = URL.createObjectURL(bytes);
        await loaded;
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        if (!context) throw new Error('no canvas');
        const pictures: number[][] = [];
        for (const time of times) {
          const seeked = event('seeked');
          // On a busy machine the picture can come after the event; where it is the one before, none comes.
          const presented = new Promise<void>((resolve) => {
            video.requestVideoFrameCallback(() => resolve());
            setTimeout(resolve, 1_000);
          });
          video.currentTime = time;
          await seeked;
          await presented;
          context.drawImage(video, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          pictures.push(Array.from({ length: data.length / 4 }, (_, pixel) => data[4 * pixel] ?? 0));
        }
        return { duration: video.duration, pictures };
      },
      (await readFile(file)).toString('base64'),
      seconds,
    );
  } finally {
    await browser.close();
  }
}

test.each([
  ['B-frames', 3, true],
  ['no B-frames', 0, false],
] as const)('Chromium shows the frame of each time: %s', async (name, bFrames, withSound) => {
  const clip = fixture('barcode-video-30/clip.mp4');
  const segments: StoredSegment[] = [];
  let first = 0;
  for (const frames of [31, 1, 2, 17, 38, 1]) {
    const file = path.join(folder.path, `${name}-${first}.mp4`);
    await encodeSegment(file, 30, first, { frames, bFrames, clip });
    segments.push({ file, frames });
    first += frames;
  }
  const sound = path.join(folder.path, 'sound.m4a');
  if (withSound) await encodeSound(sound, first / 30);
  const store = new LocalStore(path.join(folder.path, name));
  const output = path.join(folder.path, `${name}.mp4`);
  const options = await storeSegments(store, segments, 30, withSound ? sound : undefined);
  expect(await stitch(options, output)).toMatchObject({ joinedBy: 'kit' });

  // Seams, what lies beside them, the ends, and back.
  const frames = [0, 1, 15, 30, 31, 32, 33, 34, 50, 51, 88, 89, 60, 32, 0];
  const { duration, pictures } = await play(
    output,
    frames.map((frame) => (frame + 0.5) / 30),
  );
  expect(duration).toBeCloseTo(3, 3);
  expect(pictures.map((picture) => readBarcode(Uint8Array.from(picture), 320, 180))).toEqual(frames);
});
