import { outputFrames } from '../types/codecs.ts';
import type { CloudAdapter, FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { retry } from '../utils/retry.ts';
import { runLimited } from '../utils/run-limited.ts';
import type { ProgressMeter } from './progress.ts';
import { SegmentPace } from './segment-pace.ts';
import { SegmentRace } from './segment-race.ts';

const LOOK_MS = 1_000;

export interface RenderSegmentsOptions {
  readonly worker: FrameWorker;
  readonly adapter: CloudAdapter;
  readonly signal: AbortSignal;
  readonly meter: ProgressMeter;
}

/**
 * Has the segments of a plan rendered, at most `maxParallel` attempts at a time; retryable errors are tried again.
 * Once all have begun, a straggler is started a second time where there is room for it. Ends when all that it
 * started has ended.
 */
export async function renderSegments(plan: Plan, options: RenderSegmentsOptions): Promise<FrameResult[]> {
  const { worker, adapter, signal, meter } = options;
  const { frameJobs, maxParallel, encoding, estimate, seekMode } = plan;
  const pace = new SegmentPace(estimate.msPerFrame, () => performance.now());
  const races = new Map<number, SegmentRace<FrameResult>>();

  const attempt = (job: FrameJob, first: boolean, stop: AbortSignal): Promise<FrameResult> => {
    const begin = (): void => {
      if (first) pace.began(job.index, outputFrames(job.range, encoding));
    };
    const onFrames = (done: number): void => {
      if (first) pace.told(job.index, done);
      meter.segmentFrames(job.index, done);
    };
    begin();
    return retry(() => adapter.invoke(worker, job, { signal: stop, onFrames }), {
      signal: stop,
      onRetry: () => {
        begin();
        meter.segmentRetried(job.index);
      },
    });
  };

  const render = async (job: FrameJob): Promise<FrameResult> => {
    meter.segmentStarted();
    const race = new SegmentRace<FrameResult>((stop) => attempt(job, !races.has(job.index), stop), signal);
    races.set(job.index, race);
    let result: FrameResult | undefined;
    try {
      result = await race.result;
      return result;
    } finally {
      pace.ended(job.index, result !== undefined && !result.cached);
      meter.segmentEnded(result);
    }
  };

  const look = (): void => {
    // In replay, later segments are slower by nature: each steps from frame 0.
    if (seekMode === 'replay' || races.size < frameJobs.length || signal.aborted) return;
    let running = 0;
    for (const race of races.values()) running += race.running;
    for (const index of pace.stragglers()) {
      const { capacity, inFlight } = adapter.getStatus();
      if (running >= maxParallel || inFlight >= capacity) return;
      const race = races.get(index);
      if (!race || race.attempts > 1) continue;
      race.join();
      running++;
      meter.segmentDuplicated();
    }
  };

  const timer = setInterval(look, LOOK_MS);
  try {
    return await runLimited(frameJobs, maxParallel, signal, render);
  } finally {
    clearInterval(timer);
    await Promise.all([...races.values()].map((race) => race.settled()));
  }
}
