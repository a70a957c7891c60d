/** Prints what an hour of video takes on AWS, by simulation: `npm run simulate -- [--look canvas] [--json]`. */
import { parseArgs } from 'node:util';
import { looks } from './constants.ts';
import { type Look, type Scenario, type Simulated, simulateRender } from './render.ts';

const { values } = parseArgs({
  options: {
    look: { type: 'string', default: 'canvas' },
    hours: { type: 'string', default: '1' },
    failures: { type: 'string', default: '0.002' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
if (!(values.look in looks)) {
  throw new Error(`--look is one of ${Object.keys(looks).join(', ')}`);
}
const base: Omit<Scenario, 'parallel' | 'cold' | 'targetSegmentSeconds'> = {
  look: values.look as Look,
  frames: Math.round(Number(values.hours) * 108_000),
  fps: 30,
  failureRate: Number(values.failures),
  seed: Number(values.seed),
};

const rows: Simulated[] = [];
for (const targetSegmentSeconds of [20, 5]) {
  for (const parallel of [10, 100, 1000, 3000]) {
    for (const cold of [true, false]) {
      rows.push(simulateRender({ ...base, parallel, cold, targetSegmentSeconds }));
    }
  }
}

const clock = (seconds: number): string => {
  const whole = Math.round(seconds);
  const minutes = String(Math.floor(whole / 60) % 60).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${minutes}:${String(whole % 60).padStart(2, '0')}`;
};

const columns: readonly [string, (row: Simulated) => string][] = [
  ['segment of', (row) => `${row.targetSegmentSeconds} s`],
  ['parallel', (row) => String(row.parallel)],
  ['start', (row) => (row.cold ? 'cold' : 'warm')],
  ['segments', (row) => String(row.segments)],
  ['at work', (row) => String(row.run.peak)],
  ['throttled', (row) => String(row.run.throttles)],
  ['events parent / child', (row) => `${row.parentEvents} / ${row.childEvents}`],
  ['segments.json', (row) => `${(row.itemsBytes / 1024).toFixed(1)} KiB`],
  ['state', (row) => `${(row.stateBytes / 1024).toFixed(1)} KiB`],
  ['render', (row) => clock(row.seconds.render)],
  ['audio', (row) => clock(row.seconds.audio)],
  ['stitch', (row) => clock(row.seconds.stitch)],
  ['whole', (row) => clock(row.wallSeconds)],
  ['GB-s', (row) => row.gbSeconds.toFixed(0)],
  ['USD', (row) => row.usd.toFixed(2)],
  ['USD/min', (row) => row.usdPerMinute.toFixed(4)],
];

if (values.json) console.log(JSON.stringify(rows, undefined, 2));
else {
  console.log(`| ${columns.map(([title]) => title).join(' | ')} |`);
  console.log(`|${'---|'.repeat(columns.length)}`);
  for (const row of rows) console.log(`| ${columns.map(([, cell]) => cell(row)).join(' | ')} |`);
  for (const { parallel, targetSegmentSeconds, problems } of rows) {
    for (const problem of problems) console.log(`${parallel} at ${targetSegmentSeconds} s: ${problem}`);
  }
}
