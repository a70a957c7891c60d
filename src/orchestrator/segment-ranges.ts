import type { FrameRange } from '../types/render-job.ts';

const MIN_FRAMES = 16;
const MAX_FRAMES = 4096;

/**
 * Cuts a range at multiples of `length`, counted from frame 0, so that a longer range has the same cuts.
 * @param step cuts fall on frames that are shown when only each `step`-th is
 */
export function cutAtMultiples([start, end]: FrameRange, length: number, step = 1): FrameRange[] {
  const unit = length * step;
  const ranges: FrameRange[] = [];
  const align = (frame: number): number => start + Math.ceil((frame - start) / step) * step;
  for (let from = start; from < end; ) {
    const to = Math.min(end, align((Math.floor(from / unit) + 1) * unit));
    ranges.push([from, to]);
    from = to;
  }
  return ranges;
}

/**
 * Cuts a range at multiples of a power of two: each part lies in the longest block of 16 to 4096 shown frames that takes
 * no more than `targetMs`. So parts take about equally long wherever frames cost more, and the cuts, with them the
 * segments' names, stay where they are when a measured cost moves a little.
 * @param msOf what a frame takes, of those around the range as well
 * @param step cuts fall on frames that are shown when only each `step`-th is
 */
export function cutToTarget(
  range: FrameRange,
  targetMs: number,
  step: number,
  msOf: (frame: number) => number,
): FrameRange[] {
  const cut = (part: FrameRange, length: number): FrameRange[] => {
    const first = Math.floor(part[0] / (length * step)) * length * step;
    let ms = 0;
    for (let index = 0; index < length; index++) ms += msOf(first + index * step);
    if (length === MIN_FRAMES || ms <= targetMs) return [part];
    return cutAtMultiples(part, length / 2, step).flatMap((half) => cut(half, length / 2));
  };
  return cutAtMultiples(range, MAX_FRAMES, step).flatMap((part) => cut(part, MAX_FRAMES));
}

/** Cuts a range into `count` parts whose shown frames differ by one at the most; fewer when there are fewer frames. */
export function cutEvenly([start, end]: FrameRange, count: number, step = 1): FrameRange[] {
  const shown = Math.ceil((end - start) / step);
  const parts = Math.min(count, shown);
  const bound = (part: number): number => Math.min(end, start + Math.floor((part * shown) / parts) * step);
  return Array.from({ length: parts }, (_, part) => [
    bound(part),
    part === parts - 1 ? end : bound(part + 1),
  ]);
}
