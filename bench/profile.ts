/**
 * Who takes the CPU time of a frame: `npm run bench:profile`, after `npm run build`. Our command renders a short and a
 * long video with two workers, in turn; what lies between them is what frames cost, thread by thread. `--only <look>`,
 * `--frames` of the long one, `--rounds`, `--threads` for each kind of thread by itself.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { openKit } from '../src/worker/kit.ts';
import { ours } from './peers/ours.ts';
import { runCommand } from './peers/run-command.ts';
import { type Subject, subjects } from './prepare.ts';
import { type ThreadTime, withThreadTimes } from './thread-times.ts';

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '600' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    threads: { type: 'boolean', default: false },
  },
});
const LONG = Number(values.frames);
const SHORT = Math.round(LONG / 3);
const ROUNDS = Number(values.rounds);
const WORKERS = 2;
const ALL = 'all, as their parents count it';

function processOf(command: string): string {
  const type = /--type=([\w-]+)/.exec(command)?.[1];
  if (type) return `Chromium, ${type}`;
  if (command.includes('--remote-debugging')) return 'Chromium, browser';
  return command.includes('ffmpeg') ? 'FFmpeg' : 'this program';
}

/** Threads of one kind differ by a number. */
const kindOf = ({ name }: ThreadTime): string => name.replace(/[\d#:/]+$/, '');

function partOf(thread: ThreadTime): string {
  const part = processOf(thread.command);
  return values.threads || /VizCompositor|CompositorTile/.test(thread.name)
    ? `${part}: ${kindOf(thread)}`
    : part;
}

/** CPU time by part, in ms. */
type Parts = ReadonlyMap<string, number>;

async function run(subject: Subject, frames: number, folder: string): Promise<Parts> {
  await mkdir(folder);
  const task = { subject, frames, concurrency: WORKERS, output: path.join(folder, 'output.mp4'), folder };
  const command = await ours.command(task);
  const { value, threads } = await withThreadTimes(() => runCommand(command));
  const parts = new Map<string, number>([[ALL, value.cpuSeconds * 1000]]);
  for (const thread of threads) {
    const part = partOf(thread);
    parts.set(part, (parts.get(part) ?? 0) + thread.cpuMs);
  }
  return parts;
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

const looks = subjects(false, LONG).filter(({ name }) => !values.only || name === values.only);
if (looks.length === 0) throw new Error(`There is no look ${values.only}.`);
await openKit();
await using folder = await createWorkFolder('bench');
for (const subject of looks) {
  const rounds: Parts[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [short, long] = [
      await run(subject, SHORT, path.join(folder.path, `${subject.name}-${round}-short`)),
      await run(subject, LONG, path.join(folder.path, `${subject.name}-${round}-long`)),
    ];
    rounds.push(
      new Map([...long].map(([part, ms]) => [part, (ms - (short.get(part) ?? 0)) / (LONG - SHORT)])),
    );
  }
  const names = [...new Set(rounds.flatMap((parts) => [...parts.keys()]))];
  const rows = names
    .map((name): [string, number] => [name, median(rounds.map((parts) => parts.get(name) ?? 0))])
    .filter(([, ms]) => ms >= 0.05)
    .sort(([, a], [, b]) => b - a);
  console.log(
    `\n${subject.name}, ${SHORT} and ${LONG} frames, ${WORKERS} workers, median of ${ROUNDS} rounds`,
  );
  console.log('\n| | CPU ms a frame |\n|---|---|');
  for (const [name, ms] of rows) console.log(`| ${name} | ${ms.toFixed(1)} |`);
}
