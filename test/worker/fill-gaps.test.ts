import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Encoding, encodingSchema } from '../../src/types/encoding.ts';
import { type Fps, toRational } from '../../src/types/fps.ts';
import { EncoderError } from '../../src/utils/errors.ts';
import { pacingArgs } from '../../src/utils/ffmpeg.ts';
import { UnknownLayout } from '../../src/utils/mp4/boxes.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { Encoder } from '../../src/worker/encoder.ts';
import { segmentArgs } from '../../src/worker/encoder-args.ts';
import { fillGaps } from '../../src/worker/fill-gaps.ts';
import { matroskaHeader, matroskaPictureHead } from '../../src/worker/matroska.ts';
import { packetTimes } from '../helpers/media-info.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

let folder: WorkFolder;
beforeAll(async () => {
  folder = await createWorkFolder('fill-gaps-test');
});
afterAll(() => folder[Symbol.asyncDispose]());

/** A picture of 4:2:0 that no other number gives, with edges in it. */
function pictureOf(number: number, { width, height }: Size): Buffer {
  const bytes = Buffer.alloc(width * height * 1.5, 100 + ((number * 37) % 60));
  for (let at = 0; at < width * height; at++)
    bytes[at] = 16 + (((at % width) * (number + 3) + Math.floor(at / width) * (number + 7)) % 219);
  return bytes;
}

/** The decoded pictures, one hash each; a stream that breaks a rule is refused. */
async function decode(file: string): Promise<string[]> {
  const strict = ['-loglevel', 'error', '-xerror', '-err_detect', 'explode'];
  const told = await runTool(ffmpegPath, [...strict, '-i', file, '-vsync', '0', '-f', 'framemd5', '-']);
  const lines = told.toString().split('\n');
  return lines
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(',')[5]?.trim() ?? '');
}

/** @param shown which picture each frame shows */
async function encode(
  file: string,
  shown: readonly number[],
  size: Size,
  fps: Fps,
  encoding: Encoding,
): Promise<void> {
  const encoder = await Encoder.open({ encoding, fps, pictures: 'i420', size, pictureSize: size, file });
  for (const [frame, number] of shown.entries())
    await encoder.write(
      number === shown[frame - 1]
        ? undefined
        : { format: 'i420', bytes: pictureOf(number, size), digest: String(number) },
    );
  await encoder.finish();
}

/** What FFmpeg makes of the frames of `shown` that `given` names, with gaps between them. */
async function encodeGapped(file: string, shown: readonly number[], given: readonly number[]): Promise<void> {
  const size = { width: 64, height: 48 };
  const parts = given.flatMap((frame) => {
    const bytes = pictureOf(shown[frame] as number, size);
    return [matroskaPictureHead(Math.round((frame * 1e6) / 30), bytes.length), bytes];
  });
  const header = matroskaHeader({ format: 'i420', ...size, frameMicroseconds: 1e6 / 30 });
  const pacing = await pacingArgs('vfr');
  const encoding = encodingSchema.parse({});
  const args = segmentArgs({ encoding, fps: 30, pictures: 'i420', size, file, pacing });
  await runTool(ffmpegPath, ['-y', '-loglevel', 'error', ...args], { input: [header, ...parts] });
}

const runsOf = (...runs: readonly (readonly [picture: number, frames: number])[]): number[] =>
  runs.flatMap(([picture, frames]) => Array.from({ length: frames }, () => picture));

test.each([
  ['1080p', { width: 1920, height: 1080 }, 30, {}],
  ['one row of macroblocks', { width: 32, height: 16 }, 30, {}],
  ['a rate with a fraction', { width: 98, height: 54 }, '30000/1001', {}],
  ['a film rate', { width: 98, height: 54 }, '24000/1001', {}],
  ['key frames in a picture that stays', { width: 98, height: 54 }, 30, { keyframeInterval: 7 }],
  ['every frame a key frame', { width: 98, height: 54 }, 25, { keyframeInterval: 1 }],
  ['4:4:4', { width: 98, height: 54 }, 30, { pixelFormat: 'yuv444p' }],
  ['4:2:2', { width: 98, height: 54 }, 30, { pixelFormat: 'yuv422p' }],
] as const)('each frame of a picture that stays shows it: %s', async (name, size, fps, asked) => {
  const file = path.join(folder.path, `${name}.mp4`);
  const encoding = encodingSchema.parse(asked);
  const shown = runsOf([1, 1], [2, 1], [3, 40], [4, 1], [5, 2], [6, 90], [7, 9], [8, 1], [9, 30]);
  await encode(file, shown, size, fps, encoding);
  const seen = await decode(file);
  expect(seen).toHaveLength(shown.length);
  const { num, den } = toRational(fps);
  const interval = encoding.keyframeInterval ?? Math.round((2 * num) / den);
  // Once the encoder is done with a picture its frames are all the same; other pictures look otherwise.
  for (const [frame, picture] of shown.entries()) {
    if (frame === 0) continue;
    const settled = shown.slice(Math.max(0, frame - 3), frame).every((before) => before === picture);
    if (shown[frame - 1] !== picture) expect(seen[frame], `frame ${frame}`).not.toBe(seen[frame - 1]);
    else if (settled && frame % interval > 2 && frame < shown.length - 1)
      expect(seen[frame], `frame ${frame}`).toBe(seen[frame - 1]);
  }
  const { timeBase, packets } = await packetTimes(file);
  const ticks = (den * timeBase.den) / (num * timeBase.num);
  expect(packets.map(({ pts }) => pts)).toEqual(shown.map((_, frame) => frame * ticks));
  const keys = packets.flatMap(({ key }, frame) => (key ? [frame] : []));
  expect(keys[0]).toBe(0);
  for (const [at, key] of [...keys, shown.length].entries())
    expect(key - (keys[at - 1] ?? 0), `key frames ${keys}`).toBeLessThanOrEqual(interval);
});

test('whatever frames the encoder is given, the others show the one before them', async () => {
  const file = path.join(folder.path, 'any.mp4');
  const gapped = path.join(folder.path, 'gapped.mp4');
  let gaps = 0;
  const runs = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 70 })), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(runs, fc.array(fc.boolean(), { minLength: 420, maxLength: 420 }), async (all, coin) => {
      const shown = runsOf(...all);
      const given = [...shown.keys()].filter(
        (frame) =>
          shown[frame] !== shown[frame - 1] || frame % 60 === 0 || coin[frame] || frame === shown.length - 1,
      );
      gaps += shown.length - given.length;
      await encodeGapped(gapped, shown, given);
      await copyFile(gapped, file);
      await fillGaps(file, [1, 30]);
      const before = await decode(gapped);
      const want = shown.map((_, frame) => before[given.findLastIndex((other) => other <= frame)]);
      expect(await decode(file)).toEqual(want);
    }),
    { numRuns: 8 },
  );
  expect(gaps).toBeGreaterThan(20);
});

test('a file without gaps stays as it is', async () => {
  const file = path.join(folder.path, 'whole.mp4');
  const shown = [1, 2, 3, 4, 5];
  await encodeGapped(file, shown, [0, 1, 2, 3, 4]);
  const before = await readFile(file);
  await fillGaps(file, [1, 30]);
  expect((await readFile(file)).equals(before)).toBe(true);
});

test.each([
  ['B-frames', ['-bf', '2'], 'another order'],
  ['several references', ['-refs', '3', '-bf', '0'], 'another number of reference pictures'],
  ['CAVLC', ['-coder', 'vlc', '-bf', '0', '-refs', '1'], 'CAVLC'],
  ['interlacing', ['-flags', '+ildct+ilme', '-bf', '0', '-refs', '1'], 'an H.264 stream with'],
])('a stream with %s is refused, and stays as it is', async (name, args, reason) => {
  const file = path.join(folder.path, `${name}.mp4`);
  const still = `testsrc=size=64x48:rate=30:duration=1,select='lt(n,3)+eq(n,20)'`;
  await runTool(ffmpegPath, [
    ...['-y', '-f', 'lavfi', '-i', still, '-vsync', 'vfr', '-enc_time_base', '1:30'],
    ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-preset', 'veryfast', ...args, '-video_track_timescale'],
    ...['15360', file],
  ]);
  const before = await readFile(file);
  const error = await fillGaps(file, [1, 30]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnknownLayout);
  expect((error as Error).message).toMatch(new RegExp(`${reason}|out of order`));
  expect((await readFile(file)).equals(before)).toBe(true);
});

test('an FFmpeg that makes another H.264 is told of', async () => {
  const other = path.join(folder.path, 'ffmpeg');
  const script = `#!/bin/sh\nfor arg; do set -- "$@" "$(echo "$arg" | sed s/ref=1:/ref=3:/)"; shift; done\nexec ${ffmpegPath} "$@"\n`;
  await writeFile(other, script);
  await chmod(other, 0o755);
  const before = process.env.FFMPEG_PATH;
  process.env.FFMPEG_PATH = other;
  try {
    const file = path.join(folder.path, 'other.mp4');
    const encoding = encodingSchema.parse({});
    const size = { width: 64, height: 48 };
    const error = await encode(file, runsOf([1, 40], [2, 2]), size, 30, encoding).catch((reason) => reason);
    expect(error).toBeInstanceOf(EncoderError);
    expect(error.message).toMatch(/another number of reference pictures than one.*FFMPEG_PATH.*preset/);
  } finally {
    if (before === undefined) delete process.env.FFMPEG_PATH;
    else process.env.FFMPEG_PATH = before;
  }
});
