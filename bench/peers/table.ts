import { type Comparison, isMeasured, type Measured, type Row } from './result.ts';

const HEAD = [
  '| | frames/s | ours is faster by | at once | frames | CPU s a frame | peak MiB | SSIM | kbit/s | frames a GB-second | USD a minute |',
  '|---|---|---|---|---|---|---|---|---|---|---|',
];

function lineOf(row: Row, ours: Measured | undefined): string {
  if (!isMeasured(row)) return `| ${row.who} | not measured: ${row.failed.replaceAll('|', '\\|')} |`;
  const ratio = ours && row !== ours ? `${(ours.framesPerSecond / row.framesPerSecond).toFixed(1)}×` : '';
  const cells = [
    ...[row.who, row.framesPerSecond.toFixed(2), ratio, row.concurrency, row.frames],
    ...[row.cpuSecondsPerFrame.toFixed(3), row.peakMiB, row.ssim.toFixed(4), row.kbitPerSecond],
    ...[row.framesPerGbSecond.toFixed(2), row.usdPerMinute.toFixed(5)],
  ];
  return `| ${cells.join(' | ')} |`;
}

/** A comparison as Markdown: what ran where, and a table for each look. */
export function tablesOf({ date, machine, versions, notes, rounds, rows }: Comparison): string {
  const looks = [...new Set(rows.map(({ look }) => look))].map((look) => {
    const own = rows.filter((row) => row.look === look);
    const ours = own.filter(isMeasured).find(({ who }) => who === 'ours');
    return [`### ${look}`, '', ...HEAD, ...own.map((row) => lineOf(row, ours))].join('\n');
  });
  const loaded =
    machine.loadBefore > 1
      ? ' Other programs were at work on the machine: take the ratios, not the figures.'
      : '';
  const list = Object.entries(versions).map((pair) => pair.join(' '));
  return [
    `${date}, ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, load ${machine.loadBefore} before; median of ${rounds} round${rounds === 1 ? '' : 's'}; ${list.join(', ')}.${loaded}`,
    ...looks,
    Object.entries(notes)
      .map(([who, note]) => `- ${who}: ${note}.`)
      .join('\n'),
  ].join('\n\n');
}
