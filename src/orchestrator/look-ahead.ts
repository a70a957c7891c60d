import type { FrameJob } from '../types/frame-job.ts';

export interface LookAheadOptions {
  /** A plan's segments, in order. */
  readonly segments: readonly Pick<FrameJob, 'range' | 'lookBack'>[];
  readonly durationInFrames: number;
  /** Each `step`-th frame is shown. */
  readonly step: number;
}

/**
 * Whether a segment takes the frame after it as well: wherever the composition goes on, since a longer render may
 * find it. It must where the segment that follows does not look back.
 */
export function lookAhead(
  index: number,
  { segments, durationInFrames, step }: LookAheadOptions,
): FrameJob['lookAhead'] {
  const next = segments[index + 1];
  if (next) return next.lookBack ? 'tried' : 'needed';
  const [start, end] = (segments[index] as FrameJob).range;
  return end < durationInFrames && (end - start) % step === 0 ? 'tried' : 'none';
}
