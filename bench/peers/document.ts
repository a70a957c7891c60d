/** Puts a comparison into docs/performance.md and draws docs/performance.svg: `npm run bench:document -- result.json`. */
import { readFile, writeFile } from 'node:fs/promises';
import { chartOf } from './chart.ts';
import type { Comparison } from './result.ts';
import { tablesOf } from './table.ts';

const page = new URL('../../docs/performance.md', import.meta.url);
const picture = new URL('../../docs/performance.svg', import.meta.url);
const FIGURES = /(<!-- figures -->\n)[\s\S]*(\n<!-- end of figures -->)/;

const [file = ''] = process.argv.slice(2);
const output = await readFile(file, 'utf8');
const comparison = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Comparison;
await writeFile(picture, chartOf(comparison));
const text = await readFile(page, 'utf8');
await writeFile(
  page,
  text.replace(FIGURES, (_, start, end) => `${start}${tablesOf(comparison)}${end}`),
);
