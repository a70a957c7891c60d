import { availableParallelism } from 'node:os';
import { codecTraits } from '../types/codecs.ts';
import type { FrameRange, RenderJob } from '../types/render-job.ts';
import { coverRange } from './cover-range.ts';
import { costCurve, cutByWork, segmentCount } from './cut-by-work.ts';
import { cutEvenly, cutToTarget } from './segment-ranges.ts';
import { segmentTarget } from './segment-target.ts';
import type { SeekTrial } from './try-seeking.ts';

/** A segment of less work is not worth opening its page for: with cores for a browser and an encoder, and without. */
const LEAST_SEGMENT_MS = { alone: 1_000, sharing: 2_000 };
const CORES_PER_WORKER = 2;
/**
 * Of a pixel's drawing: while one worker draws, its encoder takes so much of the cores that another would draw on
 * (12 to 16 ms a frame at 1080p, docs/performance.md).
 */
const ENCODER_MS_PER_PIXEL = 6e-6;

/** What a frame takes while little else is at work: of visits that were side by side, the quicker one. */
function quickestMs({ costs, msPerFrame }: SeekTrial): number {
  return costs.length > 0 ? costs.reduce((sum, { ms }) => sum + ms, 0) / costs.length : msPerFrame;
}

interface CutOptions {
  readonly job: RenderJob;
  readonly range: FrameRange;
  readonly trial: SeekTrial;
  /** Frames of the segments that need not be rendered. */
  readonly stored: readonly FrameRange[];
  /** That can be at work at the same time. */
  readonly workers: number;
  /** Whether they are there anyway. */
  readonly idleIsFree: boolean;
  /** Of a frame. */
  readonly pixels: number;
}

/** Cuts a range into the segments that finish it soonest, around those that are stored. */
export function cutRange({
  job,
  range,
  trial,
  stored,
  workers,
  idleIsFree,
  pixels,
}: CutOptions): FrameRange[] {
  const { segments, targetSegmentSeconds } = job.chunking;
  const step = job.encoding.everyNthFrame;
  if (segments !== undefined) return cutEvenly(range, segments, step);
  const pieces = coverRange(range, stored, step);
  const costOf = costCurve(trial.costs, trial.msPerFrame);
  const msPerFrame = idleIsFree ? quickestMs(trial) : trial.msPerFrame;
  const framesOf = ([from, to]: FrameRange) => Math.ceil((to - from) / step);
  const open = pieces.filter((piece) => !piece.stored);
  const frames = open.reduce((sum, piece) => sum + framesOf(piece.range), 0);
  const workMs = frames * msPerFrame;
  const targetMs = targetSegmentSeconds
    ? targetSegmentSeconds * 1000
    : segmentTarget(workMs, idleIsFree ? undefined : workers);
  const shares = availableParallelism() < CORES_PER_WORKER * workers;
  const leastMs = shares ? LEAST_SEGMENT_MS.sharing : LEAST_SEGMENT_MS.alone;
  const encodes = codecTraits[job.encoding.codec].pictures === undefined;
  const encoderMs = encodes && shares ? Math.min(msPerFrame, pixels * ENCODER_MS_PER_PIXEL) : 0;
  const count = segmentCount(workMs, { workers, targetMs, leastMs, sharedMs: frames * encoderMs });
  return pieces.flatMap((piece) => {
    if (piece.stored || trial.seekMode === 'replay') return [piece.range];
    if (!idleIsFree || targetSegmentSeconds !== undefined)
      return cutToTarget(piece.range, targetMs, step, costOf);
    return cutByWork(piece.range, Math.ceil((count * framesOf(piece.range)) / frames), step, costOf);
  });
}
