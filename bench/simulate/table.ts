import { type Scenario, type Simulated, simulateRender } from './render.ts';

export type Video = Omit<Scenario, 'parallel' | 'cold' | 'targetSegmentSeconds'>;

/** An hour of the look that docs/scale.md tells of. */
export const canvasHour: Video = { look: 'canvas', frames: 108_000, fps: 30, failureRate: 0.002, seed: 1 };

/** A video in segments of 20 and of 5 seconds of work, on 10 to 3,000 functions, cold and warm. */
export function simulateAll(video: Video): Simulated[] {
  return [20, 5].flatMap((targetSegmentSeconds) =>
    [10, 100, 1000, 3000].flatMap((parallel) =>
      [true, false].map((cold) => simulateRender({ ...video, parallel, cold, targetSegmentSeconds })),
    ),
  );
}

/** The same hour where a frame of the last quarter takes 17 times what one before it takes. */
const varyingHour: Video = {
  ...canvasHour,
  weightOf: (frame) => (frame < 0.75 * canvasHour.frames ? 0.2 : 3.4),
};

/** The varying hour, cut into equal frames and into equal work. */
export function simulateVarying(): Simulated[] {
  return [100, 1000].flatMap((parallel) =>
    [true, false].map((cutEvenly) =>
      simulateRender({ ...varyingHour, parallel, cold: true, targetSegmentSeconds: 20, cutEvenly }),
    ),
  );
}

/** Seconds as `0:07:02`. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = String(Math.floor(whole / 60) % 60).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${minutes}:${String(whole % 60).padStart(2, '0')}`;
}

type Column = readonly [title: string, cell: (row: Simulated) => string];

const columns: readonly Column[] = [
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

const varyingTitles = ['parallel', 'segments', 'at work', 'render', 'whole', 'GB-s', 'USD'];
const varyingColumns: readonly Column[] = [
  ['segments of equal', (row) => (row.cutEvenly ? 'frames' : 'work')],
  ...columns.filter(([title]) => varyingTitles.includes(title)),
];

/** As Markdown, without an end of line at its end. */
function table(rows: readonly Simulated[], shown: readonly Column[]): string {
  return [
    `| ${shown.map(([title]) => title).join(' | ')} |`,
    `|${'---|'.repeat(shown.length)}`,
    ...rows.map((row) => `| ${shown.map(([, cell]) => cell(row)).join(' | ')} |`),
  ].join('\n');
}

export const simulationTable = (rows: readonly Simulated[]): string => table(rows, columns);
export const varyingTable = (rows: readonly Simulated[]): string => table(rows, varyingColumns);
