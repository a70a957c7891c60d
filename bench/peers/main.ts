import type { Subject } from '../prepare.ts';
import { comparePeers } from './compare.ts';
import { isMeasured, type Row } from './result.ts';

const COLUMNS = [
  'look',
  'who',
  'at once',
  'frames/s',
  'CPU s/frame',
  'peak MiB',
  'SSIM',
  'kbit/s',
  'frames/GB-s',
  'USD/min',
];
const WIDTHS = [14, 16, 8, 9, 12, 9, 8, 8, 12, 9];

function line(cells: readonly (string | number)[]): string {
  return cells
    .map((cell, i) => (i < 2 ? String(cell).padEnd(WIDTHS[i] ?? 0) : String(cell).padStart(WIDTHS[i] ?? 0)))
    .join(' ');
}

function lineOf(row: Row): string {
  if (!isMeasured(row)) return `${line([row.look, row.who])} not measured: ${row.failed}`;
  return line([
    ...[
      row.look,
      row.who,
      row.concurrency,
      row.framesPerSecond.toFixed(2),
      row.cpuSecondsPerFrame.toFixed(3),
    ],
    ...[row.peakMiB, row.ssim.toFixed(4), row.kbitPerSecond],
    ...[row.framesPerGbSecond.toFixed(2), row.usdPerMinute.toFixed(5)],
  ]);
}

export interface PeerFlags {
  readonly subjects: readonly Subject[];
  readonly concurrency: string;
  readonly rounds: string;
  readonly json: boolean;
}

/** `npm run bench -- --peers` */
export async function measurePeers({ subjects, concurrency, rounds, json }: PeerFlags): Promise<void> {
  console.log('1920×1080, 30 frames/s, x264 veryfast crf 20; from the command’s start to the finished MP4');
  console.log(line(COLUMNS));
  const { rows, ...rest } = await comparePeers({
    subjects,
    concurrencies: concurrency.split(',').map(Number),
    rounds: Number(rounds),
    onRow: (row) => console.log(lineOf(row)),
  });
  const { machine, versions, notes } = rest;
  console.log(
    `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, load before ${machine.loadBefore}; ${Object.entries(
      versions,
    )
      .map((pair) => pair.join(' '))
      .join(', ')}`,
  );
  for (const [who, note] of Object.entries(notes)) console.log(`${who}: ${note}`);
  if (json) console.log(JSON.stringify({ ...rest, rows }));
}
