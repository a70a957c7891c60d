import type { FrameRange } from '../types/render-job.ts';

const MIN_FRAMES = 16;
const MAX_FRAMES = 4096;

/**
 * Frames in a segment: the power of two that comes closest below `targetMs` of work, 16 to 4096. A step of two
 * keeps the cuts, and with them the segments' names, where they are when the measured cost moves a little.
 */
export function segmentLength(msPerFrame: number, targetMs: number): number {
  const fitting = targetMs / Math.max(msPerFrame, 0.001);
  const power = 2 ** Math.floor(Math.log2(Math.max(1, fitting)));
  return Math.min(MAX_FRAMES, Math.max(MIN_FRAMES, power));
}

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
