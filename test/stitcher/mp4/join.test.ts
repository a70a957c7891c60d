import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concatSegments } from '../../../src/stitcher/concat.ts';
import { planJoin } from '../../../src/stitcher/mp4/plan-join.ts';
import { type StitchOptions, stitch, stitchInStore } from '../../../src/stitcher/stitch.ts';
import { keys } from '../../../src/storage/keys.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import type { ByteSpan, Section } from '../../../src/storage/object-store.ts';
import { encodingSchema } from '../../../src/types/encoding.ts';
import { type Fps, frameToSeconds, toRational } from '../../../src/types/fps.ts';
import type { FrameResult } from '../../../src/types/frame-job.ts';
import { SegmentDamagedError } from '../../../src/utils/errors.ts';
import { boxAt, UnknownLayout } from '../../../src/utils/mp4/boxes.ts';
import { readTracks } from '../../../src/utils/mp4/read-track.ts';
import { createWorkFolder, type WorkFolder } from '../../../src/utils/work-folder.ts';
import { packetTimes, probe } from '../../helpers/media-info.ts';
import { ffmpegPath, runTool } from '../../helpers/tools.ts';
import {
  encodeSegment,
  encodeSound,
  type SegmentSketch,
  type StoredSegment,
  storeSegments,
} from './segments.ts';

let folder: WorkFolder;
let store: LocalStore;
beforeAll(async () => {
  folder = await createWorkFolder('join-test');
  store = new LocalStore(path.join(folder.path, 'store'));
});
afterAll(() => folder[Symbol.asyncDispose]());

const inFolder = (name: string): string => path.join(folder.path, name);

async function encode(name: string, fps: Fps, sketches: readonly SegmentSketch[]): Promise<StoredSegment[]> {
  const segments: StoredSegment[] = [];
  let first = 0;
  for (const [index, sketch] of sketches.entries()) {
    const file = inFolder(`${name}-${index}.mp4`);
    await encodeSegment(file, fps, first, sketch);
    segments.push({ file, frames: sketch.frames });
    first += sketch.frames;
  }
  return segments;
}

async function decoded(file: string, stream: 'v' | 'a', ...seek: readonly string[]): Promise<string[]> {
  const format = stream === 'v' ? 'framemd5' : 'md5';
  const output = await runTool(ffmpegPath, [...seek, '-i', file, '-map', `0:${stream}`, '-f', format, '-']);
  const lines = output.toString().split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1) ?? '');
}

/**
 * Joins by the joiner and by FFmpeg.
 * @param fps of the segments
 */
async function joinBoth(
  name: string,
  segments: readonly StoredSegment[],
  fps: Fps,
  soundFile?: string,
  everyNthFrame = 1,
): Promise<{ ours: string; theirs: string; options: StitchOptions }> {
  const { num, den } = toRational(fps);
  const composed = `${num * everyNthFrame}/${den}`;
  const options = await storeSegments(store, segments, composed, soundFile, everyNthFrame);
  const [ours, theirs] = [inFolder(`${name}.mp4`), inFolder(`${name}-concat.mp4`)];
  expect(await stitch(options, ours)).toMatchObject({ joinedBy: 'kit' });
  await concatSegments({
    segments,
    encoding: encodingSchema.parse({}),
    fps,
    audioFile: soundFile,
    output: theirs,
    workFolder: folder.path,
  });
  return { ours, theirs, options };
}

async function expectEven(file: string, fps: Fps, frames: number): Promise<void> {
  const { timeBase, packets } = await packetTimes(file);
  const { num, den } = toRational(fps);
  const ticks = (den * timeBase.den) / (num * timeBase.num);
  const steps = Array.from({ length: frames }, (_, frame) => frame * ticks);
  expect(packets.map(({ pts }) => pts)).toEqual(steps);
  const decodedAt = packets.map(({ dts }) => dts).sort((a, b) => a - b);
  expect(decodedAt.map((dts) => dts - (decodedAt[0] ?? 0))).toEqual(steps);
  for (const { pts, dts } of packets) expect(dts).toBeLessThanOrEqual(pts);
  const { streams } = await probe(file);
  expect(streams[0]).toMatchObject({ nb_frames: String(frames), duration_ts: frames * ticks });
}

/** Segments whose B-frames have the same delay: of others FFmpeg tells a video that is longer than its frames. */
const isAlike = (sketches: readonly SegmentSketch[]): boolean =>
  sketches.length === 1 || sketches.every(({ frames }) => frames > 4);

/**
 * Both files begin at the same time and last as long: to the microsecond for the video, and for the sound to the
 * millisecond that FFmpeg's edit list counts in.
 */
async function expectSameTimes(ours: string, theirs: string): Promise<void> {
  const [our, their] = await Promise.all([probe(ours), probe(theirs)]);
  expect(our.format.start_time).toBe(their.format.start_time);
  expect(Math.abs(Number(our.format.duration) - Number(their.format.duration))).toBeLessThan(0.001_001);
  expect(our.streams.map(({ codec_type }) => codec_type)).toEqual(
    their.streams.map(({ codec_type }) => codec_type),
  );
  for (const [at, stream] of our.streams.entries()) {
    const other = their.streams[at];
    expect(stream.start_time).toBe(other?.start_time);
    if (stream.codec_type === 'video') expect(stream.duration).toBe(other?.duration);
    expect(Math.abs(Number(stream.duration) - Number(other?.duration))).toBeLessThan(0.001_001);
  }
}

const hevc = ['-c:v', 'libx265', '-tag:v', 'hvc1', '-x265-params', 'log-level=error:open-gop=0'];
/** Without B-frames and CABAC: another description. */
const baseline = ['-c:v', 'libx264', '-profile:v', 'baseline'];

/** Segments too short for B-frames have no delay, the others two frames. */
const mixed: readonly SegmentSketch[] = [25, 1, 14, 2, 3, 31].map((frames) => ({ frames }));

describe.each([30, '30000/1001'] as const)('at %s frames a second', (fps) => {
  const name = String(fps).replace('/', '-');
  test.each([
    ['one segment', [{ frames: 40 }]],
    ['one frame', [{ frames: 1 }]],
    ['two segments', [{ frames: 20 }, { frames: 33 }]],
    ['delays of none and two frames', mixed],
    ['40 segments', Array.from({ length: 40 }, (_, n) => ({ frames: 1 + ((n * 5) % 13) }))],
    [
      'without B-frames',
      [
        { frames: 20, bFrames: 0 },
        { frames: 7, bFrames: 0 },
      ],
    ],
    ['HEVC', [{ frames: 20 }, { frames: 1 }, { frames: 9 }].map((sketch) => ({ ...sketch, encoder: hevc }))],
  ] as const)('%s: the frames of FFmpeg, each in its time', async (what, sketches) => {
    const id = `${name}-${what.replaceAll(' ', '-')}`;
    const segments = await encode(id, fps, sketches);
    const { ours, theirs } = await joinBoth(id, segments, fps);
    const frames = segments.reduce((sum, segment) => sum + segment.frames, 0);
    const pictures = await decoded(ours, 'v');
    expect(pictures).toHaveLength(frames);
    expect(pictures).toEqual(await decoded(theirs, 'v'));
    await expectEven(ours, fps, frames);
    if (isAlike(sketches)) await expectSameTimes(ours, theirs);
    const { start_time, duration } = (await probe(ours)).format;
    expect([start_time, duration]).toEqual(['0.000000', frameToSeconds(frames, fps).toFixed(6)]);
  });

  test.each([
    ['as long as', 0],
    ['longer than', 3.3],
    ['shorter than', -1.7],
    ['next to nothing beside', -3.8],
  ] as const)('a sound that is %s the video', async (what, more) => {
    const id = `${name}-${what.replaceAll(' ', '-')}`;
    const segments = await encode(id, fps, [{ frames: 45 }, { frames: 66 }, { frames: 5 }]);
    const sound = inFolder(`${id}.m4a`);
    await encodeSound(sound, frameToSeconds(116, fps) + more);
    const { ours, theirs } = await joinBoth(id, segments, fps, sound);
    for (const stream of ['v', 'a'] as const)
      expect(await decoded(ours, stream)).toEqual(await decoded(theirs, stream));
    await expectEven(ours, fps, 116);
    await expectSameTimes(ours, theirs);
  });

  test('every third frame', async () => {
    const segments = await encode(`${name}-third`, fps, [{ frames: 14 }, { frames: 5 }, { frames: 5 }]);
    const { ours, theirs, options } = await joinBoth(`${name}-third`, segments, fps, undefined, 3);
    expect(options.plan.frameJobs.at(-1)?.range).toEqual([57, 72]);
    expect(await decoded(ours, 'v')).toEqual(await decoded(theirs, 'v'));
    await expectEven(ours, fps, 24);
    await expectSameTimes(ours, theirs);
  });

  test('a sound: the samples of FFmpeg, beside the video', async () => {
    const segments = await encode(`${name}-sound`, fps, [{ frames: 45 }, { frames: 70 }, { frames: 1 }]);
    const sound = inFolder(`${name}.m4a`);
    const seconds = frameToSeconds(116, fps);
    await encodeSound(sound, seconds);
    const { ours, theirs } = await joinBoth(`${name}-sound`, segments, fps, sound);
    for (const stream of ['v', 'a'] as const)
      expect(await decoded(ours, stream)).toEqual(await decoded(theirs, stream));
    const chunks = readTracks(boxAt(await readFile(ours), 'moov').body).map((track) => track.chunks);
    expect(chunks[0]?.length).toBeGreaterThan(4);
    expect(chunks[1]).toHaveLength(chunks[0]?.length ?? 0);
    for (const [at, chunk] of (chunks[0] ?? []).entries()) expect(chunks[1]?.[at]?.end).toBe(chunk.start);
    const theirSound = (await probe(theirs)).streams[1];
    const ourSound = (await probe(ours)).streams[1];
    expect(ourSound).toMatchObject({ start_pts: 0, nb_frames: theirSound?.nb_frames });
    // FFmpeg's own is short by what does not fill a millisecond.
    const longer = (ourSound?.duration_ts ?? 0) - 48_000 * seconds;
    expect(longer).toBeGreaterThanOrEqual(0);
    expect(longer).toBeLessThanOrEqual(2);
  });
});

test('1,000 segments: each frame in its time, and any point can be played from', async () => {
  const kinds = await encode('thousand', 30, [{ frames: 16 }, { frames: 1 }, { frames: 7 }]);
  const segments = Array.from({ length: 1_000 }, (_, n) => kinds[n % 3] as StoredSegment);
  const { ours, theirs } = await joinBoth('thousand', segments, 30);
  const frames = 334 * 16 + 333 * 8;
  await expectEven(ours, 30, frames);
  const pictures = await decoded(ours, 'v');
  expect(pictures).toHaveLength(frames);
  expect(pictures).toEqual(await decoded(theirs, 'v'));
  for (const frame of [0, 15, 16, 17, 24, 4_001, frames - 1]) {
    const found = await decoded(ours, 'v', '-ss', ((frame - 0.4) / 30).toFixed(4));
    expect(found).toEqual(pictures.slice(frame));
  }
});

describe('what the joiner does not take', () => {
  test('segments to be decoded in different ways are joined by FFmpeg', async () => {
    const [first, other] = await encode('differing', 30, [
      { frames: 9 },
      { frames: 9, encoder: baseline, bFrames: 0 },
    ]);
    const options = await storeSegments(store, [first, other] as StoredSegment[], 30);
    await expect(planJoin({ ...options, fps: 30, copied: false })).rejects.toBeInstanceOf(UnknownLayout);
    const output = inFolder('differing.mp4');
    expect(await stitch(options, output)).toMatchObject({ joinedBy: 'ffmpeg' });
    const pictures = await Promise.all([first, other].map((one) => decoded(one?.file ?? '', 'v')));
    expect(await decoded(output, 'v')).toEqual(pictures.flat());
  });

  test('what is to be a QuickTime file is written by FFmpeg', async () => {
    const segments = await encode('quicktime', 30, [{ frames: 9 }, { frames: 5 }]);
    const output = inFolder('quicktime.mov');
    const joined = await stitch(await storeSegments(store, segments, 30), output);
    expect(joined).toMatchObject({ joinedBy: 'ffmpeg' });
    expect((await probe(output)).format.tags).toMatchObject({ major_brand: 'qt  ' });
  });

  test.each([
    ['at another rate', '30000/1001', (bytes: Buffer) => bytes],
    ['in fragments', 30, (bytes: Buffer) => renamed(bytes, 'free', 'moof')],
    ['with two stretches', 30, (bytes: Buffer) => changed(bytes, 'elst', 8, 2)],
    ['of which a frame is missing', 30, (bytes: Buffer) => changed(bytes, 'ctts', 16, 9_999)],
    ['whose table is cut off', 30, (bytes: Buffer) => changed(bytes, 'stsz', 12, 99)],
  ] as const)('segments %s', async (what, fps, change) => {
    const id = `strange-${what.replaceAll(' ', '-')}`;
    const [segment] = (await encode(id, 30, [{ frames: 12 }])) as [StoredSegment];
    await writeFile(segment.file, change(await readFile(segment.file)));
    const options = await storeSegments(store, [segment], fps);
    await expect(planJoin({ ...options, fps, copied: false })).rejects.toBeInstanceOf(UnknownLayout);
  });
});

describe('a segment whose bytes are others', () => {
  test.each([
    ['in its media', (bytes: Buffer) => bytes.fill(0x5a, 60, 90)],
    ['in its tables', (bytes: Buffer) => bytes.fill(0x5a, bytes.length - 200, bytes.length - 150)],
    ['in one bit', (bytes: Buffer) => flipped(bytes, 4_321)],
    ['at its end, which is gone', (bytes: Buffer) => bytes.subarray(0, -40)],
    ['all', () => Buffer.from('something else')],
  ] as const)('%s, is named', async (what, damage) => {
    const id = `damaged-${what.replaceAll(' ', '-')}`;
    const segments = await encode(id, 30, [{ frames: 5 }, { frames: 6 }, { frames: 7 }]);
    const options = await storeSegments(store, segments, 30);
    for (const index of [0, 2]) {
      const { videoKey } = options.results[index] as FrameResult;
      await store.put(videoKey, damage(await readFile(store.localPath(videoKey))));
    }
    const failure = await stitch(options, inFolder(`${id}.mp4`)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SegmentDamagedError);
    expect(failure).toMatchObject({ details: { segments: [0, 2] } });
    const record = keys.segmentRecord(options.results[2]?.segmentKey ?? '');
    expect(await store.head(record)).toMatchObject({ size: 0 });
  });
});

test('an output that the store did not take as it was is emptied, and is an error', async () => {
  const options = await storeSegments(store, await encode('wrong', 30, [{ frames: 5 }, { frames: 6 }]), 30);
  const key = keys.output('join', 'mp4');
  const losing = Object.assign(new LocalStore(store.url), {
    compose: (target: string, sections: readonly Section[]) => store.compose(target, sections.slice(0, -1)),
  });
  const failure = await stitchInStore({ ...options, store: losing }, key).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'StitchError', details: { key } });
  expect(await store.head(key)).toMatchObject({ size: 0 });
});

describe('what is gone', () => {
  test('a segment is named', async () => {
    const segments = await encode('gone', 30, [{ frames: 5 }, { frames: 6 }]);
    const options = await storeSegments(store, segments, 30);
    await store.delete(options.results[1]?.videoKey ?? '');
    const failure = await stitch(options, inFolder('gone.mp4')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SegmentDamagedError);
    expect(failure).toMatchObject({ details: { segments: [1] } });
  });

  test('a segment that goes once the tables are read is named', async () => {
    const segments = await encode('going', 30, [{ frames: 5 }, { frames: 6 }]);
    const options = await storeSegments(store, segments, 30);
    const going = options.results[1]?.videoKey ?? '';
    const picture = options.results[0] as FrameResult;
    // Another frame than its neighbour's, so that both pictures are looked for between the tables and the media.
    const results = [
      { ...picture, nextPicture: { ...picture.firstPicture, digest: 'other' } },
      options.results[1],
    ];
    const watching = new Proxy(store, {
      get(target, name) {
        if (name === 'get')
          return async (key: string, span?: ByteSpan) => {
            if (key === picture.firstPicture.key) await target.delete(going);
            return target.get(key, span);
          };
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const plan = { ...options.plan, onSeamMismatch: 'warn' as const };
    const failure = await stitch(
      { ...options, plan, results: results as FrameResult[], store: watching },
      inFolder('going.mp4'),
    ).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'SegmentDamagedError', details: { segments: [1] } });
  });

  test('a sound is missed', async () => {
    const segments = await encode('silent', 30, [{ frames: 5 }]);
    const options = await storeSegments(store, segments, 30);
    const missing = { ...options, audioKey: keys.audio('join', 'm4a') };
    await store.delete(missing.audioKey);
    await expect(stitch(missing, inFolder('silent.mp4'))).rejects.toMatchObject({
      name: 'NotFoundError',
      details: { key: missing.audioKey },
    });
  });
});

/** The bytes with a field of a box set, at a distance from its size. */
function changed(bytes: Buffer, type: string, at: number, value: number): Buffer {
  bytes.writeUInt32BE(value, bytes.indexOf(type, 0, 'latin1') - 4 + at + 4);
  return bytes;
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const at = bit >> 3;
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at);
  return bytes;
}

function renamed(bytes: Buffer, from: string, to: string): Buffer {
  bytes.write(to, bytes.indexOf(from, 0, 'latin1'), 'latin1');
  return bytes;
}
