/**
 * Puts comparisons of one machine and day into docs/performance.md and draws docs/performance.svg:
 * `npm run bench:document -- short.txt long.txt`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { chartOf } from './chart.ts';
import type { Comparison } from './result.ts';
import { tablesOf } from './table.ts';

const page = new URL('../../docs/performance.md', import.meta.url);
const picture = new URL('../../docs/performance.svg', import.meta.url);
const FIGURES = /(<!-- figures -->\n)[\s\S]*(\n<!-- end of figures -->)/;

const comparisons = await Promise.all(
  process.argv.slice(2).map(async (file): Promise<Comparison> => {
    const output = await readFile(file, 'utf8');
    return JSON.parse(output.trim().split('\n').at(-1) ?? '');
  }),
);
const [first] = comparisons;
if (!first) throw new Error('Name the files with what the bench printed.');
const comparison = { ...first, rows: comparisons.flatMap(({ rows }) => rows) };
await writeFile(picture, chartOf(comparison));
const text = await readFile(page, 'utf8');
await writeFile(
  page,
  text.replace(FIGURES, (_, start, end) => `${start}${tablesOf(comparison)}${end}`),
);
