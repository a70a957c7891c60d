import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { buildApp } from 'fauxqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleEntry } from '../../../lambda/bundle.ts';
import { checkOutput } from '../../../src/stitcher/check-output.ts';
import type { StitchOptions } from '../../../src/stitcher/stitch.ts';
import { keys } from '../../../src/storage/keys.ts';
import { LocalStore } from '../../../src/storage/local-store.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { S3Store } from '../../../src/storage/s3-store.ts';
import { STITCH_NODE_OPTIONS } from '../../../src/types/function-sizes.ts';
import { createWorkFolder, type WorkFolder } from '../../../src/utils/work-folder.ts';
import { probe } from '../../helpers/media-info.ts';
import { ffmpegPath, runTool } from '../../helpers/tools.ts';
import { encodeSegment, type StoredSegment, storeSegments } from './segments.ts';

const FPS = 30;
const FRAMES = 108;
const SEGMENTS = 1_000;
const MAX_BYTES = 300 * 1000 ** 2;
let folder: WorkFolder;
/** Without the front of `TestS3`, through which so many requests would take minutes. */
const s3 = buildApp({ logger: false });
/** Two whose bytes differ, so that one in the other's place is seen. */
let segments: readonly [StoredSegment, StoredSegment];
const inFolder = (name: string): string => path.join(folder.path, name);

beforeAll(async () => {
  folder = await createWorkFolder('join-an-hour-test');
  const endpoint = await s3.listen({ host: '127.0.0.1', port: 0 });
  await fetch(`${endpoint}/hour`, { method: 'PUT' });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  const encode = async (first: number): Promise<StoredSegment> => {
    const file = inFolder(`segment-${first}.mp4`);
    await encodeSegment(file, FPS, first, {
      frames: FRAMES,
      size: '160x120',
      filter: 'noise=alls=100:allf=t',
      encoder: ['-c:v', 'libx264', '-b:v', '700k'],
    });
    return { file, frames: FRAMES };
  };
  segments = [await encode(0), await encode(7)];
  await bundleEntry('test/stitcher/mp4/join-once.ts', inFolder('bundle'));
});
afterAll(async () => {
  await s3.close();
  await folder[Symbol.asyncDispose]();
});

/** Has the same few segments stand for many. */
function repeated({ plan, results, ...rest }: StitchOptions, times: number): StitchOptions {
  const places = Array.from({ length: times }, (_, index) => index);
  const pick = <T>(all: readonly T[], index: number): T => all[index % all.length] as T;
  const frameJobs = places.map((index) => ({
    ...pick(plan.frameJobs, index),
    index,
    range: [index * FRAMES, (index + 1) * FRAMES] as [number, number],
  }));
  const all = places.map((index) => ({ ...pick(results, index), index }));
  return { ...rest, plan: { ...plan, frameJobs, frames: times * FRAMES }, results: all };
}

/** Joins in a process of its own that has no temporary folder. */
async function join(
  { plan, results, store }: StitchOptions,
  file?: string,
): Promise<{ readonly joinedBy: string; readonly peakBytes: number }> {
  const told = inFolder('told.json');
  await writeFile(told, JSON.stringify({ plan, results }));
  const line = [inFolder('bundle/index.mjs'), store.url, told, ...(file ? [file] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, [STITCH_NODE_OPTIONS, ...line], {
    env: { ...process.env, FFMPEG_PATH: ffmpegPath, TMPDIR: inFolder('no-such-folder') },
  });
  return JSON.parse(stdout);
}

/** The digest of each packet. */
async function packetsOf(file: string): Promise<string[]> {
  const told = await runTool(ffmpegPath, ['-i', file, '-c', 'copy', '-f', 'framemd5', '-']);
  const lines = told.toString().trim().split('\n');
  return lines.filter((line) => !line.startsWith('#')).map((line) => line.split(',').at(-1) as string);
}

test.each([
  ['from a folder into a file', () => new LocalStore(inFolder('store')), true],
  ['within S3', () => new S3Store('s3://hour/farm'), false],
] as const)(
  'an hour in 1,000 segments, %s: in less memory than it is long, with no temporary folder',
  async (_, open, intoFile) => {
    const store: ObjectStore = open();
    const options = repeated(await storeSegments(store, segments, FPS), SEGMENTS);
    const file = inFolder('hour.mp4');
    const { joinedBy, peakBytes } = await join(options, intoFile ? file : undefined);
    if (!intoFile) await pipeline(await store.get(keys.output('join', 'mp4')), createWriteStream(file));

    expect(joinedBy).toBe('kit');
    const { streams, format } = await probe(file);
    expect(Number(format.size)).toBeGreaterThan(MAX_BYTES);
    expect(peakBytes).toBeLessThan(MAX_BYTES);
    const frames = SEGMENTS * FRAMES;
    expect(streams[0]).toMatchObject({ nb_frames: String(frames), duration: '3600.000000' });
    await checkOutput(file, { frames, fps: FPS, exact: true });
    const pair = (await Promise.all(segments.map((segment) => packetsOf(segment.file)))).flat();
    expect(await packetsOf(file)).toEqual(Array.from({ length: SEGMENTS / 2 }, () => pair).flat());
  },
);
