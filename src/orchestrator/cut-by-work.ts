import type { FrameRange } from '../types/render-job.ts';

/** What a frame of one worker took. */
export interface FrameCost {
  readonly frame: number;
  readonly ms: number;
}

/**
 * Costs that are closer to each other than this are taken as one: single measurements differ by chance, and the first
 * ones are made while a page warms up and another browser draws beside it.
 */
const NOISE = 2.5;

/**
 * What any frame takes, in ms: between two that were measured in proportion, before and after them as the nearest.
 * @param msPerFrame of all, where they cost about the same
 */
export function costCurve(costs: readonly FrameCost[], msPerFrame: number): (frame: number) => number {
  const sorted = [...costs].sort((a, b) => a.frame - b.frame);
  const all = sorted.map(({ ms }) => ms);
  if (all.length === 0 || Math.max(...all) < Math.min(...all) * NOISE) return () => msPerFrame;
  return (frame) => {
    const after = sorted.findIndex((cost) => cost.frame >= frame);
    const to = sorted.at(after) as FrameCost;
    const from = sorted[after - 1] ?? to;
    if (after < 0 || from === to) return to.ms;
    return from.ms + ((to.ms - from.ms) * (frame - from.frame)) / (to.frame - from.frame);
  };
}

interface Workers {
  /** That are there anyway. */
  readonly workers: number;
  readonly targetMs: number;
  readonly leastMs: number;
  /** Of the work, for which one worker's encoder keeps the cores busy that another would draw on. @default 0 */
  readonly sharedMs?: number;
}

/**
 * How many segments finish a range soonest: as few rounds as segments of `targetMs` allow, all workers busy in each,
 * but no segment that spares less than `leastMs`.
 */
export function segmentCount(workMs: number, { workers, targetMs, leastMs, sharedMs = 0 }: Workers): number {
  const rounds = Math.max(1, Math.ceil(workMs / (workers * targetMs)));
  const most = Math.floor((workMs - sharedMs) / leastMs);
  return Math.max(1, Math.ceil(workMs / targetMs), Math.min(rounds * workers, most));
}

/**
 * Cuts a range into `count` parts that take about equally long; fewer when there are fewer frames.
 * @param costOf what a frame takes, in any unit
 * @param step cuts fall on frames that are shown when only each `step`-th is
 */
export function cutByWork(
  [start, end]: FrameRange,
  count: number,
  step: number,
  costOf: (frame: number) => number,
): FrameRange[] {
  const shown = Math.ceil((end - start) / step);
  const parts = Math.min(count, shown);
  const done: number[] = [0];
  for (let index = 0; index < shown; index++)
    done.push((done[index] as number) + costOf(start + index * step));
  const work = done[shown] as number;
  const bounds = [0];
  for (let part = 1; part < parts; part++) {
    let at = (bounds[part - 1] as number) + 1;
    const share = (work * part) / parts;
    while (at < shown - (parts - part) && (done[at] as number) < share - 1e-9 * work) at++;
    bounds.push(at);
  }
  return bounds.map((bound, part) => {
    const next = bounds[part + 1];
    return [start + bound * step, next === undefined ? end : start + next * step];
  });
}
