import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { checkOutput } from '../../../src/stitcher/check-output.ts';
import { type StitchOptions, stitch, stitchInStore } from '../../../src/stitcher/stitch.ts';
import { keys } from '../../../src/storage/keys.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import { readBytes } from '../../../src/storage/object-store.ts';
import { S3Store } from '../../../src/storage/s3-store.ts';
import type { FrameResult } from '../../../src/types/frame-job.ts';
import { sha256 } from '../../../src/utils/digest.ts';
import { SegmentDamagedError, StorageError } from '../../../src/utils/errors.ts';
import { makeBox } from '../../../src/utils/mp4/boxes.ts';
import { createWorkFolder, type WorkFolder } from '../../../src/utils/work-folder.ts';
import { TestS3 } from '../../helpers/test-s3.ts';
import { ffmpegPath, runTool } from '../../helpers/tools.ts';
import { encodeSegment, encodeSound, type StoredSegment, storeSegments } from './segments.ts';

const FPS = 30;
const MIB = 1024 ** 2;
const OUTPUT = keys.output('join', 'mp4');
let folder: WorkFolder;
let s3: TestS3;
let store: S3Store;
let sound: string;
const small: StoredSegment[] = [];
const large: StoredSegment[] = [];
beforeAll(async () => {
  folder = await createWorkFolder('join-in-s3-test');
  s3 = await TestS3.open('joins');
  store = new S3Store('s3://joins/farm', { idleSeconds: 10, retrySeconds: 20 });
  for (const [index, frames] of [20, 1, 33].entries()) {
    const file = path.join(folder.path, `small-${index}.mp4`);
    await encodeSegment(file, FPS, 20 * index, { frames });
    small.push({ file, frames });
  }
  for (const [index, frames] of [38, 38, 2].entries()) {
    const file = path.join(folder.path, `large-${index}.mp4`);
    await encodeSegment(file, FPS, 38 * index, { frames, size: '320x240', encoder: fine, filter: noise });
    large.push({ file, frames });
  }
  sound = path.join(folder.path, 'sound.m4a');
  await encodeSound(sound, 8);
});
afterEach(() => s3.reset());
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Some 10.5 MiB a segment, which is as much as the test's S3 takes at once. */
const noise = 'scale=640:480,noise=alls=100:allf=t';
const fine = ['-c:v', 'libx264', '-qp', '22'];

/** Each packet's times and digest. */
async function packetsOf(file: string): Promise<string> {
  return (
    await runTool(ffmpegPath, ['-i', file, '-map', '0', '-c', 'copy', '-f', 'framemd5', '-'])
  ).toString();
}

async function expectSame(options: StitchOptions, frames: number): Promise<void> {
  const file = path.join(folder.path, 'from-s3.mp4');
  await writeFile(file, await readBytes(store, OUTPUT));
  await checkOutput(file, { frames, fps: FPS, exact: true });
  const other = path.join(folder.path, 'local.mp4');
  await stitch(options, other);
  expect(await packetsOf(file)).toBe(await packetsOf(other));
}

const lines = (part: string): string[] => s3.requests.filter((line) => line.includes(part));

describe.each([
  ['with sound', true],
  ['without sound', false],
] as const)('%s', (_, withSound) => {
  test('small segments are streamed', async () => {
    const options = await storeSegments(store, small, FPS, withSound ? sound : undefined);
    const made = await stitchInStore(options, OUTPUT);
    expect(made?.bytes).toBe((await store.head(OUTPUT))?.size);
    expect(lines('partNumber=')).toHaveLength(1);
    await expectSame(options, 54);
  });

  test('large segments are copied in S3, but for what is too small for a part', async () => {
    const [first, second, little] = large as [StoredSegment, StoredSegment, StoredSegment];
    const segments = [first, little, second, first];
    const options = await storeSegments(store, segments, FPS, withSound ? sound : undefined);
    s3.reset();
    await stitchInStore(options, OUTPUT);
    const sent = lines('partNumber=');
    // The head and what it lacks, the rest of the first, the little one and what it lacks, …
    expect(sent).toHaveLength(withSound ? 6 : 5);
    await expectSame(options, 116);
  });
});

describe('damage', () => {
  const spoil = async (options: StitchOptions, index: number): Promise<void> => {
    const { videoKey } = options.results[index] as FrameResult;
    const bytes = await readBytes(store, videoKey);
    await store.put(videoKey, bytes.fill(0x5a, 1_000, 1_050));
  };

  test.each([
    ['a streamed segment', () => small, 2],
    ['a copied segment', () => large, 1],
  ] as const)('of %s is found, and nothing is written', async (_, segments, index) => {
    await store.delete(OUTPUT);
    const options = await storeSegments(store, segments(), FPS);
    await spoil(options, index);
    const failure = await stitchInStore(options, OUTPUT).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SegmentDamagedError);
    expect(failure).toMatchObject({ details: { segments: [index] } });
    expect(await store.head(OUTPUT)).toBeUndefined();
  });

  test('on the way is read again', async () => {
    const options = await storeSegments(store, small, FPS);
    s3.fail({ kind: 'flip', request: 'GET /joins/farm/segments', times: 3, every: 2 });
    await stitchInStore(options, OUTPUT);
    await expectSame(options, 54);
  });

  test('between two looks ends the join', async () => {
    await store.delete(OUTPUT);
    const options = await storeSegments(store, large, FPS);
    s3.fail({ kind: { status: 412, code: 'PreconditionFailed' }, request: 'partNumber=2' });
    await expect(stitchInStore(options, OUTPUT)).rejects.toBeInstanceOf(StorageError);
    expect(await store.head(OUTPUT)).toBeUndefined();
  });

  test('is looked for in a segment that S3 did not reckon the digest of', async () => {
    const options = await storeSegments(store, large, FPS);
    const { videoKey, sha256: digest } = options.results[0] as FrameResult;
    const bytes = await readBytes(store, videoKey);
    expect(sha256(bytes)).toBe(digest);
    await store.put(videoKey, bytes);
    await stitchInStore(options, OUTPUT);
    await expectSame(options, 78);
  });
});

/** A segment with a box more before its media. */
async function paddedSegment({ file, frames }: StoredSegment): Promise<StoredSegment> {
  const bytes = await readFile(file);
  const padding = makeBox('free', Buffer.alloc(100));
  const head = bytes.readUInt32BE(0);
  const chunks = bytes.lastIndexOf('stco') + 12;
  for (let at = chunks; at < chunks + 4 * bytes.readUInt32BE(chunks - 4); at += 4)
    bytes.writeUInt32BE(bytes.readUInt32BE(at) + padding.length, at);
  const padded = file.replace('.mp4', '-padded.mp4');
  await writeFile(padded, Buffer.concat([bytes.subarray(0, head), padding, bytes.subarray(head)]));
  return { file: padded, frames };
}

test('a segment is opened by one request, but for the first and those of another layout', async () => {
  const alike: StoredSegment[] = [];
  for (const [index, frames] of [24, 24, 7].entries()) {
    const file = path.join(folder.path, `alike-${index}.mp4`);
    await encodeSegment(file, FPS, 24 * index, { frames, size: '640x480', encoder: fine });
    alike.push({ file, frames });
  }
  const [first, second, third] = alike as [StoredSegment, StoredSegment, StoredSegment];
  const front = path.join(folder.path, 'front.mp4');
  await runTool(ffmpegPath, ['-y', '-i', second.file, '-c', 'copy', '-movflags', '+faststart', front]);
  const segments = [first, second, third, await paddedSegment(third), { file: front, frames: 24 }];
  const options = await storeSegments(store, segments, FPS);
  s3.reset();
  expect((await stitchInStore(options, OUTPUT))?.joinedBy).toBe('kit');
  const [ofFirst, ...others] = options.results.map(
    ({ videoKey }) => lines(`GET /joins/farm/${videoKey}`).length - 1,
  );
  expect(ofFirst).toBe(2);
  expect(others.slice(0, 2)).toEqual([1, 1]);
  expect(Math.min(...others.slice(2))).toBeGreaterThan(1);
  await expectSame(options, 24 + 24 + 7 + 7 + 24);
});

test('a folder takes the same output, in the same bytes', async () => {
  const local = new LocalStore(path.join(folder.path, 'store'));
  const [there, here] = await Promise.all(
    [store, local].map((place) => storeSegments(place, small, FPS, sound)),
  );
  await stitchInStore(there as StitchOptions, OUTPUT);
  await stitchInStore(here as StitchOptions, OUTPUT);
  expect(sha256(await readBytes(store, OUTPUT))).toBe(sha256(await readBytes(local, OUTPUT)));
  expect((await readBytes(store, OUTPUT)).length).toBeLessThan(MIB);
});
