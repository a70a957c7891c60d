/**
 * Joining many segments: by the joiner, by FFmpeg's concat demuxer, and beside them what copying the same bytes
 * takes. `npm run bench:stitch`; `--segments` says how many, `--rounds` how often.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalStore } from '../src/storage/local-store.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { encodeSegment, storeSegments } from '../test/stitcher/mp4/segments.ts';
import { withPeakMemory } from './memory.ts';

const { values } = parseArgs({
  options: {
    segments: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
  },
});

/** An hour of 1,000 segments. */
const FRAMES = 108;
const FPS = 30;
const MEBIBYTE = 1024 ** 2;
const ways = [
  'copy',
  'copy, digests checked',
  'joiner',
  'joiner, checked by FFmpeg',
  'concat, checked by FFmpeg',
] as const;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** Runs one way in a process of its own. */
async function run(way: string, folder: string): Promise<Measured> {
  const script = fileURLToPath(new URL('./stitch-once.ts', import.meta.url));
  const { value, peakBytes } = await withPeakMemory(async () => {
    const child = spawn(process.execPath, [script, way, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${way} ended with ${code}`);
    return JSON.parse(told) as Omit<Measured, 'peakBytes'>;
  });
  await rm(path.join(folder, 'out'), { recursive: true, force: true });
  return { ...value, peakBytes };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

await using folder = await createWorkFolder('bench-stitch');
const store = new LocalStore(path.join(folder.path, 'store'));
const file = path.join(folder.path, 'segment.mp4');
await encodeSegment(file, FPS, 0, {
  frames: FRAMES,
  size: '640x360',
  filter: 'noise=alls=30:allf=t',
  encoder: ['-c:v', 'libx264', '-b:v', '4600k', '-maxrate', '4600k', '-bufsize', '2300k'],
});
const count = Number(values.segments);
const bytes = count * (await stat(file)).size;
const segments = Array.from({ length: count }, () => ({ file, frames: FRAMES }));
const { plan, results } = await storeSegments(store, segments, FPS);
await writeFile(path.join(folder.path, 'join.json'), JSON.stringify({ plan, results }));
console.log(`${count} segments of ${(bytes / count / MEBIBYTE).toFixed(2)} MiB`);

const measured = new Map<string, Measured[]>(ways.map((way) => [way, []]));
for (let round = 0; round < Number(values.rounds); round++)
  for (const way of ways) measured.get(way)?.push(await run(way, folder.path));

const copy = median((measured.get('copy') ?? []).map(({ seconds }) => seconds));
console.log('| | MiB/s | of the copy | CPU s | peak memory, MiB |\n|---|---|---|---|---|');
for (const [way, runs] of measured) {
  const seconds = median(runs.map((one) => one.seconds));
  const cells = [
    (bytes / MEBIBYTE / seconds).toFixed(0),
    `${((copy / seconds) * 100).toFixed(0)} %`,
    median(runs.map((one) => one.cpuSeconds)).toFixed(1),
    (Math.max(...runs.map((one) => one.peakBytes)) / MEBIBYTE).toFixed(0),
  ];
  console.log(`| ${way} | ${cells.join(' | ')} |`);
}
console.log(`Times are medians of ${values.rounds}; took ${Math.round(performance.now() / 1000)} s.`);
