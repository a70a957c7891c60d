/**
 * Our command with one worker, two and three, in turn, from its start to the finished MP4, each with a new store:
 * `npm run bench:workers`, after `npm run build`. `--frames`, `--rounds`, `--only <look>`.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { openKit } from '../src/worker/kit.ts';
import { ours } from './peers/ours.ts';
import { type Cost, runCommand } from './peers/run-command.ts';
import { subjects } from './prepare.ts';

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const frames = Number(values.frames);
const WORKERS = [1, 2, 3];

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

await openKit();
await using folder = await createWorkFolder('bench');
console.log(`${frames} frames, median of ${values.rounds} rounds\n`);
console.log('| | workers | frames/s | of one | CPU s a frame | peak MiB |\n|---|---|---|---|---|---|');
for (const subject of subjects(false, frames).filter(({ name }) => !values.only || name === values.only)) {
  const costs = new Map<number, Cost[]>(WORKERS.map((count) => [count, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const concurrency of WORKERS) {
      const place = path.join(folder.path, `${subject.name}-${round}-${concurrency}`);
      await mkdir(place);
      const task = { subject, frames, concurrency, output: path.join(place, 'output.mp4'), folder: place };
      costs.get(concurrency)?.push(await runCommand(await ours.command(task)));
    }
  }
  const alone = costs.get(1) ?? [];
  for (const [count, runs] of costs) {
    const seconds = runs.map(({ wallSeconds }) => wallSeconds);
    const ratios = seconds.map((wall, round) => (alone[round]?.wallSeconds ?? 0) / wall);
    const cells = [
      (frames / median(seconds)).toFixed(1),
      `${median(ratios).toFixed(2)}×`,
      (median(runs.map(({ cpuSeconds }) => cpuSeconds)) / frames).toFixed(3),
      (Math.max(...runs.map(({ peakBytes }) => peakBytes)) / 2 ** 20).toFixed(0),
    ];
    console.log(`| ${subject.name} | ${count} | ${cells.join(' | ')} |`);
  }
}
