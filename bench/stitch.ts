/**
 * Joining an hour of video in 1,000 segments: by the joiner, by FFmpeg's concat demuxer, and beside them what copying
 * the same bytes takes. In a folder, and in an S3 on loopback that lies in this process, with three times the video in
 * memory. `npm run bench:stitch`; `--segments` says how many of 3.6 s, `--kilobits` how large they are, `--large` how
 * many of 8 MiB, `--rounds` how often.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildApp } from 'fauxqs';
import { keys } from '../src/storage/keys.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';
import { S3Store } from '../src/storage/s3-store.ts';
import { STITCH_NODE_OPTIONS } from '../src/types/function-sizes.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { encodeSegment, storeSegments } from '../test/stitcher/mp4/segments.ts';
import { withPeakMemory } from './memory.ts';

export type WayOfJoining =
  | 'copy'
  | 'copy, digests checked'
  | 'joiner'
  | 'joiner, into a file'
  | 'concat'
  | 'concat, into a file';

const { values } = parseArgs({
  options: {
    segments: { type: 'string', default: '1000' },
    kilobits: { type: 'string', default: '2300' },
    large: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
  },
});
const rounds = Number(values.rounds);
const FPS = 30;
const MIB = 1024 ** 2;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** At the peak, of the process and of what it started. */
  readonly bytes: number;
}

interface Scene {
  readonly name: string;
  readonly store: ObjectStore;
  readonly count: number;
  /** Of video a second. */
  readonly kilobits: number;
  readonly frames: number;
  readonly ways: readonly WayOfJoining[];
}

/** Runs one way in a process of its own. */
async function run(way: WayOfJoining, store: ObjectStore, told: string): Promise<Measured> {
  const script = fileURLToPath(new URL('./stitch-once.ts', import.meta.url));
  const { value, peakBytes } = await withPeakMemory(async () => {
    const line = [STITCH_NODE_OPTIONS, script, way, store.url, told];
    const child = spawn(process.execPath, line, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${way} ended with ${code}`);
    return JSON.parse(text) as { seconds: number; cpuSeconds: number; maxRssBytes: number };
  });
  await store.delete(keys.output('join', 'mp4'));
  return { ...value, bytes: Math.max(peakBytes, value.maxRssBytes) };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

async function measure({ name, store, count, kilobits, frames, ways }: Scene): Promise<void> {
  await using folder = await createWorkFolder('bench-stitch');
  const file = path.join(folder.path, 'segment.mp4');
  const rate = ['-b:v', `${kilobits}k`, '-maxrate', `${kilobits}k`, '-bufsize', `${kilobits / 2}k`];
  await encodeSegment(file, FPS, 0, {
    frames,
    size: '640x360',
    filter: 'noise=alls=100:allf=t',
    encoder: ['-c:v', 'libx264', ...rate],
  });
  const segmentMib = (await stat(file)).size / MIB;
  const segments = Array.from({ length: count }, () => ({ file, frames }));
  const { plan, results } = await storeSegments(store, segments, FPS);
  const told = path.join(folder.path, 'join.json');
  await writeFile(told, JSON.stringify({ plan, results }));
  console.log(`\n${name}: ${count} segments of ${segmentMib.toFixed(2)} MiB\n`);

  const measured = new Map<WayOfJoining, Measured[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++)
    for (const way of ways) measured.get(way)?.push(await run(way, store, told));
  const copies = measured.get('copy') ?? [];
  console.log('| | MiB/s | of the copy | CPU s | peak memory, MiB |\n|---|---|---|---|---|');
  for (const [way, runs] of measured) {
    const ratio = median(runs.map(({ seconds }, round) => (copies[round]?.seconds ?? 0) / seconds));
    const cells = [
      ((count * segmentMib) / median(runs.map(({ seconds }) => seconds))).toFixed(0),
      `${(ratio * 100).toFixed(0)} %`,
      median(runs.map(({ cpuSeconds }) => cpuSeconds)).toFixed(1),
      (Math.max(...runs.map(({ bytes }) => bytes)) / MIB).toFixed(0),
    ];
    console.log(`| ${way} | ${cells.join(' | ')} |`);
  }
}

await using folder = await createWorkFolder('bench-store');
const app = buildApp({ logger: false });
const endpoint = await app.listen({ host: '127.0.0.1', port: 0 });
await fetch(`${endpoint}/bench`, { method: 'PUT' });
Object.assign(process.env, {
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
});
const local = new LocalStore(path.join(folder.path, 'store'));
const inFolder: WayOfJoining[] = [
  'copy',
  'copy, digests checked',
  'joiner',
  'joiner, into a file',
  'concat',
  'concat, into a file',
];
const inS3: WayOfJoining[] = ['copy', 'joiner', 'concat'];
const hour = { count: Number(values.segments), kilobits: Number(values.kilobits), frames: 108 };
const s3 = (prefix: string) => new S3Store(`s3://bench/${prefix}`);
const scenes: readonly Scene[] = [
  { name: 'A folder', store: local, ...hour, ways: inFolder },
  { name: 'S3, small segments, which are read', store: s3('small'), ...hour, ways: inS3 },
  {
    name: 'S3, large segments, which it copies',
    store: s3('large'),
    count: Number(values.large),
    kilobits: 9_000,
    frames: 216,
    ways: inS3,
  },
];
for (const scene of scenes) await measure(scene);
await app.close();
console.log(
  `\nTimes are medians of ${rounds}, of the copy's speed those of the same round; took ${Math.round(performance.now() / 1000)} s.`,
);
