import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stitch } from '../../../src/stitcher/stitch.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { createWorkFolder, type WorkFolder } from '../../../src/utils/work-folder.ts';
import { readBarcode } from '../../helpers/barcode.ts';
import { playVideo } from '../../helpers/play-video.ts';
import { fixture } from '../../helpers/renderer.ts';
import { encodeSegment, encodeSound, type StoredSegment, storeSegments } from './segments.ts';

let folder: WorkFolder;
beforeAll(async () => {
  folder = await createWorkFolder('play-test');
});
afterAll(() => folder[Symbol.asyncDispose]());

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
  const { duration, pictures } = await playVideo(
    output,
    frames.map((frame) => (frame + 0.5) / 30),
  );
  expect(duration).toBeCloseTo(3, 3);
  expect(pictures.map((picture) => readBarcode(Uint8Array.from(picture), 320, 180))).toEqual(frames);
});
