/** Prints what an hour of video takes on AWS, by simulation: `npm run simulate -- [--look canvas] [--json]`. */
import { parseArgs } from 'node:util';
import { looks } from './constants.ts';
import type { Look } from './render.ts';
import { canvasHour, simulateAll, simulateVarying, simulationTable, varyingTable } from './table.ts';

const { values } = parseArgs({
  options: {
    look: { type: 'string', default: canvasHour.look },
    hours: { type: 'string', default: '1' },
    failures: { type: 'string', default: String(canvasHour.failureRate) },
    seed: { type: 'string', default: String(canvasHour.seed) },
    json: { type: 'boolean', default: false },
  },
});
if (!(values.look in looks)) {
  throw new Error(`--look is one of ${Object.keys(looks).join(', ')}`);
}
const rows = simulateAll({
  look: values.look as Look,
  frames: Math.round(Number(values.hours) * canvasHour.frames),
  fps: canvasHour.fps,
  failureRate: Number(values.failures),
  seed: Number(values.seed),
});

if (values.json) console.log(JSON.stringify(rows, undefined, 2));
else {
  console.log(simulationTable(rows));
  console.log(`\nAn hour of canvas whose frames cost unlike:\n\n${varyingTable(simulateVarying())}\n`);
  for (const { parallel, targetSegmentSeconds, problems } of rows) {
    for (const problem of problems) console.log(`${parallel} at ${targetSegmentSeconds} s: ${problem}`);
  }
}
