import type { FrameRange } from '../types/render-job.ts';

/**
 * What it costs to begin a stretch that is rendered anew, in frames: a page is opened and its first frame drawn.
 * Leaving out a stored segment between two such stretches joins them.
 */
const OPENING_FRAMES = 4;
/** Breaks ties: of two ways that render as many frames, the one with fewer segments is taken. */
const SEGMENT_FRAMES = 2 ** -20;

/** A part of a range: a segment that the store has, or frames that have to be rendered. */
export interface Piece {
  readonly range: FrameRange;
  readonly stored: boolean;
}

/** The cheapest way from a frame to the end of the range. */
interface Way {
  readonly cost: number;
  /** The stored segment that it begins with; `undefined` when it begins with frames to render. */
  readonly segment?: FrameRange;
}

/**
 * Covers a range with stored segments so that the fewest frames are left to render. A stored segment fits when it
 * lies in the range and shows the frames that the range shows: both of its ends fall on steps, or on the range's end.
 * @param step each `step`-th frame is shown, counted from a range's own start
 */
export function coverRange(range: FrameRange, stored: readonly FrameRange[], step = 1): Piece[] {
  const [start, end] = range;
  const shown = (frame: number): boolean => (frame - start) % step === 0;
  const byStart = new Map<number, FrameRange[]>();
  for (const [from, to] of stored) {
    if (from < start || to > end || to <= from || !shown(from) || !(shown(to) || to === end)) continue;
    byStart.set(from, [...(byStart.get(from) ?? []), [from, to]]);
  }
  const stops = [...new Set([start, end, ...[...byStart.values()].flat(2)])].sort((a, b) => b - a);
  const settled = new Map<number, Way>([[end, { cost: 0 }]]);
  let rendering: Way = { cost: 0 };
  const whileRendering = new Map<number, Way>([[end, rendering]]);
  for (const [index, stop] of stops.entries()) {
    if (stop === end) continue;
    const next = stops[index - 1] as number;
    const onwards = rendering.cost + (next - stop) / step;
    let best: Way = { cost: Number.POSITIVE_INFINITY };
    for (const segment of byStart.get(stop) ?? []) {
      const cost = SEGMENT_FRAMES + (settled.get(segment[1])?.cost ?? 0);
      if (cost < best.cost) best = { cost, segment };
    }
    settled.set(stop, best.cost <= onwards + OPENING_FRAMES ? best : { cost: onwards + OPENING_FRAMES });
    rendering = best.cost <= onwards ? best : { cost: onwards };
    whileRendering.set(stop, rendering);
  }

  const pieces: Piece[] = [];
  let opened: number | undefined;
  const close = (at: number): void => {
    if (opened !== undefined) pieces.push({ range: [opened, at], stored: false });
    opened = undefined;
  };
  let covered = start;
  for (const stop of stops.reverse()) {
    if (stop < covered || stop === end) continue;
    const { segment } = (opened === undefined ? settled : whileRendering).get(stop) as Way;
    if (segment) {
      close(stop);
      pieces.push({ range: segment, stored: true });
      covered = segment[1];
    } else opened ??= stop;
  }
  close(end);
  return pieces;
}
