import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkOutput } from '../../src/stitcher/check-output.ts';
import { concatSegments } from '../../src/stitcher/concat.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import { toRational, trackTimescale } from '../../src/types/fps.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

let folder: WorkFolder;

beforeAll(async () => {
  folder = await createWorkFolder('concat-test');
});
afterAll(() => folder[Symbol.asyncDispose]());

// 16 frames at 30 frames a second are 533,333.3 microseconds: a third is lost each time, and 98 make a tick.
test.each([
  { fps: 30, frames: 16, segments: 1000 },
  { fps: '30000/1001', frames: 17, segments: 1000 },
  { fps: '24000/1001', frames: 1, segments: 2000 },
] as const)(
  '$segments segments of $frames frames at $fps keep every frame in its time',
  async ({ fps, frames, segments }) => {
    const { num, den } = toRational(fps);
    const name = `${num}-${frames}`;
    const file = path.join(folder.path, `${name}.mp4`);
    const source = ['-f', 'lavfi', '-i', `color=size=64x64:rate=${num}/${den}`, '-frames:v', String(frames)];
    await runTool(ffmpegPath, [
      ...source,
      '-pix_fmt',
      'yuv420p',
      '-video_track_timescale',
      String(trackTimescale(fps)),
      file,
    ]);
    const output = path.join(folder.path, `${name}-joined.mp4`);

    await concatSegments({
      segments: Array.from({ length: segments }, () => ({ file, frames })),
      encoding: encodingSchema.parse({}),
      fps,
      output,
      workFolder: folder.path,
    });

    await expect(
      checkOutput(output, { frames: segments * frames, fps, exact: true }),
    ).resolves.toBeUndefined();
  },
);
