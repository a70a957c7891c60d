import { frameToSeconds, outputFps } from '../types/fps.ts';
import type { FunctionSizes } from '../types/function-sizes.ts';
import { INLINE_SEGMENTS, type Plan } from '../types/plan.ts';
import { type Cost, costOf, type PriceTable, prices, storeRequests, transitionsOf } from './cost.ts';

/** What an estimate takes for granted beside the plan's measurement; milliseconds. */
export interface EstimateAssumptions {
  /** Milliseconds in a function for each measured here. @default 1 */
  readonly slowdown?: number;
  /** Of a sandbox's first segment: start, unpacking, browser, page. @default 6000 */
  readonly coldStartMs?: number;
  /** Of a warm sandbox's segment: page, upload. @default 1500 */
  readonly perSegmentMs?: number;
  /** Of the plan function. @default 15000 */
  readonly planMs?: number;
  /** Of joining, for each segment. @default 60 */
  readonly stitchPerSegmentMs?: number;
  /** Of joining, beside its segments. @default 5000 */
  readonly stitchMs?: number;
  /** Of the sound, for each second of the video. @default 50 */
  readonly audioPerSecondMs?: number;
}

export interface FarmEstimate {
  readonly frames: number;
  readonly segments: number;
  /** Of the segments, those that the store has. */
  readonly segmentsFound: number;
  readonly parallel: number;
  /** Seconds from start to end, without waiting for throttling. */
  readonly seconds: number;
  readonly cost: Cost;
  readonly assumptions: readonly string[];
}

/** What a plan would take and cost on a farm of so many functions at the same time. */
export function estimateCost(
  plan: Plan,
  sizes: FunctionSizes,
  parallel: number,
  assume: EstimateAssumptions = {},
  table: PriceTable = prices,
): FarmEstimate {
  const { slowdown = 1, coldStartMs = 6000, perSegmentMs = 1500, planMs = 15_000 } = assume;
  const { stitchPerSegmentMs = 60, stitchMs = 5000, audioPerSecondMs = 50 } = assume;
  const segments = plan.frameJobs.length;
  const slots = Math.max(1, Math.min(parallel, plan.maxParallel, segments));
  const work = plan.estimate.workMs * slowdown;
  const renderMs = work + slots * coldStartMs + (segments - slots) * perSegmentMs;
  const rounds = Math.ceil(segments / slots);
  const missing = segments - plan.segmentsFound;
  const workWallMs = missing === 0 ? 0 : (work / missing) * Math.ceil(missing / slots);
  const renderWallMs = workWallMs + coldStartMs + (rounds - 1) * perSegmentMs;
  const seconds = frameToSeconds(plan.frames, outputFps(plan.composition.fps, plan.encoding.everyNthFrame));
  const audioMs = plan.audioTracks.length > 0 ? coldStartMs / 2 + seconds * audioPerSecondMs : 1000;
  const joinMs = stitchMs + segments * stitchPerSegmentMs;
  const cost = costOf(
    {
      functions: {
        plan: { count: 1, ms: planMs },
        render: { count: segments, ms: renderMs },
        audio: { count: 1, ms: audioMs },
        stitch: { count: 1, ms: joinMs },
      },
      transitions: transitionsOf(segments, segments > INLINE_SEGMENTS),
      ...storeRequests(segments),
    },
    sizes,
    table,
  );
  return {
    frames: plan.frames,
    segments,
    segmentsFound: plan.segmentsFound,
    parallel: slots,
    seconds: (planMs + Math.max(renderWallMs, audioMs) + joinMs) / 1000,
    cost,
    assumptions: [
      `${plan.estimate.msPerFrame.toFixed(1)} ms a frame, measured by the plan; a function is ${slowdown === 1 ? 'as fast' : `${slowdown} times slower`}`,
      `${slots} functions at a time, each with a cold start of ${coldStartMs / 1000} s`,
      `${perSegmentMs / 1000} s more for each further segment, ${planMs / 1000} s for the plan, ${(joinMs / 1000).toFixed(1)} s for joining`,
      `list prices of ${table.region}, ${table.date}, no free tier, nothing for storage, logs and transfer`,
      'nothing fails or is throttled',
    ],
  };
}
