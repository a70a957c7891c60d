/** Kills processes of renders at random moments: `npm run soak -- --kills 200 --seed 1 [--store local|s3]`. */
import { parseArgs } from 'node:util';
import type { PlaceName } from './place.ts';
import { describeSoak } from './report.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    store: { type: 'string', multiple: true, default: ['local', 's3'] },
  },
});
const since = performance.now();
console.log(`seed ${values.seed}, ${values.kills} kills`);
const report = await soak({
  kills: Number(values.kills),
  seed: Number(values.seed),
  places: values.store as PlaceName[],
  log: (line) => console.log(line),
});
console.log(
  `\nseed ${values.seed}, ${Math.round((performance.now() - since) / 1000)} s\n${describeSoak(report)}`,
);
if (report.wrong.length + report.leftovers.length > 0) process.exitCode = 1;
