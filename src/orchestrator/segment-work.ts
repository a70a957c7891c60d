import { outputFrames } from '../types/codecs.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { Estimate } from '../types/plan.ts';

/** Milliseconds of one worker for a segment's frames; in a replay with the steps that lead to them. */
export function segmentWorkMs(
  { range, encoding, page }: Pick<FrameJob, 'range' | 'encoding' | 'page'>,
  { msPerFrame, msPerStep }: Pick<Estimate, 'msPerFrame' | 'msPerStep'>,
): number {
  const shown = outputFrames(range, encoding);
  const steps = page.seekMode === 'replay' ? range[1] - shown : 0;
  return shown * msPerFrame + steps * msPerStep;
}

/** What the segments that the store does not have take. @param parallel of them at the same time, at the most */
export function estimateWork(
  missing: readonly FrameJob[],
  measured: Pick<Estimate, 'msPerFrame' | 'msPerStep'>,
  parallel: number,
): Estimate {
  const { msPerFrame, msPerStep } = measured;
  const works = missing.map((job) => segmentWorkMs(job, measured));
  const workMs = works.reduce((sum, work) => sum + work, 0);
  const longestMs = works.reduce((longest, work) => Math.max(longest, work), 0);
  const share = workMs / Math.max(1, Math.min(parallel, missing.length));
  return { msPerFrame, msPerStep, workMs, longestMs, wallMs: Math.max(share, longestMs) };
}
