import { parseArgs } from 'node:util';
import { openKit } from '../src/worker/kit.ts';
import { measureNaive } from './naive.ts';
import { measureOurs } from './ours.ts';
import { measurePeers } from './peers/main.ts';
import { type Subject, subjects } from './prepare.ts';
import { measureStartUp } from './start-up.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '1,2' },
    frames: { type: 'string' },
  },
});

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

async function measureLooks(chosen: readonly Subject[]): Promise<void> {
  const rows: Record<string, unknown>[] = [];
  for (const subject of chosen) {
    const naive = await measureNaive(subject);
    const ours = await measureOurs(subject);
    const row = {
      look: subject.title,
      naive: round(naive, 2),
      ours: round(ours.framesPerSecond, 2),
      ratio: round(ours.framesPerSecond / naive),
      firstFrameMs: round(ours.firstFrameMs, 0),
      peakMiB: round(ours.peakBytes / 2 ** 20, 0),
    };
    rows.push(row);
    const { look, ratio, firstFrameMs, peakMiB } = row;
    console.log(
      `${look.padEnd(14)} naive ${String(row.naive).padStart(6)} f/s   ours ${String(row.ours).padStart(6)} f/s   ${String(ratio).padStart(5)}×   first frame ${firstFrameMs} ms   peak ${peakMiB} MiB`,
    );
  }
  const rounded = (parts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(parts).map(([part, ms]) => [part, round(ms, 0)]));
  const { cold, warm } = await measureStartUp(subjects(true)[0] as Subject);
  const startUp = { cold: rounded(cold), warm: rounded(warm) };
  for (const [kind, parts] of Object.entries(startUp)) {
    const list = Object.entries(parts).map(([part, ms]) => `${part} ${ms}`);
    console.log(`start-up to the first picture, ${kind}: ${list.join(', ')} ms`);
  }
  if (values.json)
    console.log(JSON.stringify({ date: new Date().toISOString().slice(0, 10), rows, startUp }));
}

const lengths = values.frames === undefined ? [undefined] : values.frames.split(',').map(Number);
const chosen = lengths
  .flatMap((frames) => subjects(values.quick, frames))
  .filter(({ name }) => !values.only || name === values.only);
await openKit();
await (values.peers ? measurePeers({ ...values, subjects: chosen }) : measureLooks(chosen));
