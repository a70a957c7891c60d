import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { simulateRender } from '../../../bench/simulate/render.ts';
import {
  canvasHour,
  simulateAll,
  simulateVarying,
  simulationTable,
  varyingTable,
} from '../../../bench/simulate/table.ts';

const text = await readFile('docs/scale.md', 'utf8');

test('docs/scale.md has the table of the simulation as it is (npm run simulate)', () => {
  const table = text.split('\n').filter((line) => /^\| (segment of|20 s|5 s) \|/.test(line));
  const simulated = simulationTable(simulateAll(canvasHour)).split('\n');
  expect(table).toEqual(simulated.filter((line) => !line.startsWith('|---')));
});

test('docs/scale.md has the table of frames that cost unlike, in which equal work ends sooner', () => {
  const table = text.split('\n').filter((line) => /^\| (segments of equal|frames|work) \|/.test(line));
  const rows = simulateVarying();
  const simulated = varyingTable(rows).split('\n');
  expect(table).toEqual(simulated.filter((line) => !line.startsWith('|---')));
  const many = rows.filter(({ parallel }) => parallel === 1000);
  const [frames, work] = [true, false].map((even) => many.find(({ cutEvenly }) => cutEvenly === even));
  expect(work?.seconds.render).toBeLessThan((frames?.seconds.render ?? 0) * 0.6);
  expect(work?.usd).toBeLessThan((frames?.usd ?? 0) * 1.06);
});

test('docs/scale.md tells the time and cost of the other looks', () => {
  const where = { parallel: 1000, cold: true, targetSegmentSeconds: 20 };
  const [dom, webgl, still] = (['DOM', 'WebGL', 'static'] as const).map((look) => {
    const { wallSeconds, usd } = simulateRender({ ...canvasHour, ...where, look });
    const whole = Math.round(wallSeconds);
    return { time: `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`, usd: usd.toFixed(2) };
  });
  expect(text).toContain(
    `everything moving in CSS ${dom?.time} and USD ${dom?.usd}, WebGL ${webgl?.time} and ${webgl?.usd}, mostly static ${still?.time} and ${still?.usd} (`,
  );
});
