import { codecTraits, outputSize } from '../types/codecs.ts';
import { frameToSeconds, outputFps } from '../types/fps.ts';
import type { FunctionSizes } from '../types/function-sizes.ts';
import { INLINE_SEGMENTS, type Plan } from '../types/plan.ts';
import { type Cost, costOf, type FarmUse, type PriceTable, prices, useOfRender } from './cost.ts';
import { assumed, type FarmTimes, farmTimes, joiningMs, measured } from './farm-times.ts';

/** What an estimate takes for granted beside the plan's measurement. @default those of farm-times.ts */
export interface EstimateAssumptions extends Partial<FarmTimes> {
  /** Milliseconds in a function for each that the plan measured. @default 1: a function measured them */
  readonly slowdown?: number;
}

export interface FarmEstimate {
  readonly frames: number;
  readonly segments: number;
  /** Of the segments, those that the store has. */
  readonly segmentsFound: number;
  readonly parallel: number;
  /** Seconds from start to end, without waiting for throttling. */
  readonly seconds: number;
  readonly functions: FarmUse['functions'];
  readonly cost: Cost;
  readonly assumptions: readonly string[];
}

/** What a plan would take and cost on a farm of so many functions at the same time, all of them started cold. */
export function estimateCost(
  plan: Plan,
  sizes: FunctionSizes,
  parallel: number,
  assume: EstimateAssumptions = {},
  table: PriceTable = prices,
): FarmEstimate {
  const { slowdown = 1, ...times } = { ...farmTimes(sizes), ...assume };
  const { composition, encoding, frames, audioTracks } = plan;
  const segments = plan.frameJobs.length;
  const slots = Math.max(1, Math.min(parallel, plan.maxParallel, segments));
  const { width, height } = outputSize(composition, encoding);
  const megabytes = (frames * width * height * measured.bytesPerPixel) / 1e6;
  const perSegment = (megabytes * times.megabyte) / segments + times.segment;
  const missing = segments - plan.segmentsFound;
  const perMissing = perSegment + (plan.estimate.workMs * slowdown) / Math.max(1, missing);
  const rounds = Math.ceil(segments / slots);
  const missingRounds = Math.ceil(missing / slots);
  const longest = missing > 0 ? perSegment + plan.estimate.longestMs * slowdown : 0;
  const distributed = segments > INLINE_SEGMENTS;
  const mapMs = distributed ? assumed.mapRunMs + rounds * assumed.childMs : 0;
  const videoSeconds = frameToSeconds(frames, outputFps(composition.fps, encoding.everyNthFrame));
  const planMs = times.coldStart + times.plan;
  const renderWallMs =
    times.coldStart +
    Math.max(missingRounds * perMissing, longest) +
    (rounds - missingRounds) * perSegment +
    mapMs;
  const audioMs = times.environment + videoSeconds * audioTracks.length * times.audioSecond;
  const by = codecTraits[encoding.codec].segmentExtension === 'mp4' ? 'kit' : 'ffmpeg';
  const hasSound = audioTracks.length > 0;
  const stitchMs = times.environment + joiningMs(times, { segments, megabytes, hasSound, by });
  const functions = {
    plan: { count: 1, ms: planMs },
    render: {
      count: segments,
      ms: missing * perMissing + (segments - missing) * perSegment + slots * times.coldStart,
    },
    audio: { count: 1, ms: audioMs },
    stitch: { count: 1, ms: stitchMs },
  };
  const wallMs = planMs + Math.max(renderWallMs, audioMs) + stitchMs + 9 * assumed.stateMs;
  const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return {
    frames,
    segments,
    segmentsFound: plan.segmentsFound,
    parallel: slots,
    seconds: wallMs / 1000,
    functions,
    cost: costOf(useOfRender({ functions, segments, retries: 0 }), sizes, table),
    assumptions: [
      `${plan.estimate.msPerFrame.toFixed(1)} ms a frame, measured by the plan; a function is ${slowdown === 1 ? 'as fast' : `${slowdown} times slower`}`,
      `${slots} functions at a time, each with a cold start of ${inSeconds(times.coldStart)}`,
      `${inSeconds(times.segment)} more for each segment, ${inSeconds(planMs)} for the plan, ${inSeconds(stitchMs)} for joining${by === 'kit' ? ' into an .mp4' : ''}`,
      `list prices of ${table.region}, ${table.date}, no free tier, nothing for storage, logs and transfer`,
      'nothing fails or is throttled',
    ],
  };
}
