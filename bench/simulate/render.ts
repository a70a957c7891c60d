import { defaultSizes } from '../../cdk/function-sizes.ts';
import { costOf, useOfRender } from '../../src/orchestrator/cost.ts';
import { assumed, farmTimes, joiningMs } from '../../src/orchestrator/farm-times.ts';
import { cutToTarget } from '../../src/orchestrator/segment-ranges.ts';
import { INLINE_SEGMENTS } from '../../src/types/plan.ts';
import type { FrameRange } from '../../src/types/render-job.ts';
import { limits, looks, NOISE } from './constants.ts';
import { historyOf } from './history.ts';
import { type MapRun, runMap } from './map-run.ts';

export type Look = keyof typeof looks;

export interface Scenario {
  readonly look: Look;
  readonly frames: number;
  readonly fps: number;
  /** The plan's `maxParallel`, and the account's quota. */
  readonly parallel: number;
  /** Whether every environment is made anew. */
  readonly cold: boolean;
  readonly targetSegmentSeconds: number;
  readonly failureRate: number;
  readonly seed: number;
  /** What a frame takes beside the mean of all. @default 1 */
  readonly weightOf?: (frame: number) => number;
  /** Whether it is cut as if all frames took the same. @default false */
  readonly cutEvenly?: boolean;
}

export interface Simulated extends Scenario {
  readonly segments: number;
  readonly parentEvents: number;
  readonly childEvents: number;
  /** Of segments.json. */
  readonly itemsBytes: number;
  /** Of the largest value in the state. */
  readonly stateBytes: number;
  readonly wallSeconds: number;
  readonly seconds: {
    readonly plan: number;
    readonly render: number;
    readonly audio: number;
    readonly stitch: number;
  };
  readonly run: MapRun;
  readonly gbSeconds: number;
  readonly usd: number;
  readonly usdPerMinute: number;
  /** What would not work. */
  readonly problems: readonly string[];
}

/** What a result of lambda:invoke carries around its payload, before the ResultSelector. */
const INVOKE_ENVELOPE_BYTES = 2_000;
/** A job with its reference, without input props. */
const JOB_BYTES = 1_000;

const times = farmTimes(defaultSizes);

/** A frame in the render function: its threads fill the vCPUs, but no better than they filled two cores. */
export function frameMs(look: Look): number {
  const { frameCpuMs, frameWallMs } = looks[look];
  const vcpus = defaultSizes.render.memory / assumed.memoryOfVcpu;
  return Math.max(frameCpuMs / vcpus, frameWallMs) * assumed.slowness;
}

function stateBytes(ranges: readonly FrameRange[], items: string): number {
  const inPlan = ranges.length <= INLINE_SEGMENTS ? items.length : 2;
  return JOB_BYTES + INVOKE_ENVELOPE_BYTES + inPlan;
}

/** Plans by the kit's own rules, then runs the state machine. */
export function simulateRender(scenario: Scenario): Simulated {
  const { look, frames, fps, parallel, cold, seed, failureRate, targetSegmentSeconds } = scenario;
  const { weightOf = () => 1, cutEvenly = false } = scenario;
  const perFrame = frameMs(look);
  const { bytesPerFrame } = looks[look];
  const bytes = frames * bytesPerFrame;
  const ranges = cutToTarget([0, frames], targetSegmentSeconds * 1000, 1, (frame) =>
    cutEvenly ? perFrame : perFrame * weightOf(frame),
  );
  const weights = ranges.map(([from, to]) => {
    let weight = 0;
    for (let frame = from; frame < to; frame++) weight += weightOf(frame);
    return weight;
  });
  const items = JSON.stringify(ranges.map((range, index) => ({ index, range })));
  const inline = ranges.length <= INLINE_SEGMENTS;
  const start = cold ? times.coldStart : 0;
  const light = cold ? times.environment : 0;

  const planMs = start + times.plan;
  const audioMs = light + times.audioSecond * (frames / fps);
  const run = runMap({
    segments: weights,
    times: {
      start,
      segment: times.segment,
      frame: perFrame + (bytesPerFrame / 1e6) * times.megabyte,
    },
    slots: parallel,
    quota: (now) => parallel - (now < audioMs ? 1 : 0),
    warm: cold ? 0 : parallel,
    scaling: limits.lambdaScaling,
    ...(inline ? {} : { childStarts: limits.childStarts, childOverhead: assumed.childMs }),
    failureRate,
    noise: NOISE,
    seed,
  });
  const joining = { segments: ranges.length, megabytes: bytes / 1e6, hasSound: true };
  const stitchMs = light + joiningMs(times, joining);
  const renderMs = run.wallMs + (inline ? 0 : assumed.mapRunMs);
  const wallMs = planMs + Math.max(renderMs, audioMs) + stitchMs + 9 * assumed.stateMs;

  const retries = run.crashes + run.throttles;
  const history = historyOf({ segments: ranges.length, retries, mostAttempts: run.mostAttempts });
  const functions = {
    plan: { count: 1, ms: planMs },
    render: { count: run.invocations, ms: run.billedMs },
    audio: { count: 1, ms: audioMs },
    stitch: { count: 1, ms: stitchMs },
  };
  const usd = costOf(useOfRender({ functions, segments: ranges.length, retries }), defaultSizes).total;
  const gbSeconds = Object.entries(functions).reduce(
    (sum, [name, { ms }]) => sum + (defaultSizes[name as keyof typeof functions].memory / 1024) * (ms / 1000),
    0,
  );

  const state = stateBytes(ranges, items);
  const slowest = start + Math.max(...weights) * perFrame * (1 + NOISE);
  const problems: string[] = [];
  if (!run.succeeded) problems.push('a segment used up its retries');
  if (Math.max(history.parentEvents, history.childEvents) > limits.historyEvents)
    problems.push('history is full');
  if (state > limits.stateBytes) problems.push('state is too large');
  const longest = { plan: planMs, audio: audioMs, stitch: stitchMs, render: slowest };
  for (const [name, ms] of Object.entries(longest) as [keyof typeof longest, number][]) {
    if (ms > defaultSizes[name].timeout * 1000) problems.push(`${name} runs out of time`);
  }
  return {
    ...scenario,
    segments: ranges.length,
    parentEvents: history.parentEvents,
    childEvents: history.childEvents,
    itemsBytes: items.length,
    stateBytes: state,
    wallSeconds: wallMs / 1000,
    seconds: { plan: planMs / 1000, render: renderMs / 1000, audio: audioMs / 1000, stitch: stitchMs / 1000 },
    run,
    gbSeconds,
    usd,
    usdPerMinute: usd / (frames / fps / 60),
    problems,
  };
}
