import path from 'node:path';
import { soundExtension } from '../stitcher/audio-encode.ts';
import { mixAudio } from '../stitcher/audio-mix.ts';
import { seamWarnings } from '../stitcher/check-seams.ts';
import type { Joined } from '../stitcher/stitch.ts';
import { blobKey } from '../storage/bundle.ts';
import { keys } from '../storage/keys.ts';
import { localCopy } from '../storage/local-copy.ts';
import { putJson } from '../storage/object-store.ts';
import { audioCodecOf, codecTraits, outputSize } from '../types/codecs.ts';
import { frameToSeconds, outputFps } from '../types/fps.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { RenderJob } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import type { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { fetchSound } from './fetch-sound.ts';
import { type PlanOptions, planJob } from './plan.ts';
import { writePlan } from './plan-record.ts';
import { stopwatch } from './stopwatch.ts';

/**
 * Plans a job and writes `job.json` and `plan.json`.
 * @param admit sees the plan before it is written, and may refuse it
 */
export async function planStep(
  job: RenderJob,
  options: PlanOptions,
  admit: (plan: Plan) => Plan = (plan) => plan,
): Promise<Plan> {
  const clock = stopwatch();
  const { store } = options.worker;
  // First of all: what a render that has begun needs is not pruned.
  await putJson(store, keys.job(job.id), job);
  const plan = admit(await planJob(job, options));
  await writePlan(store, plan, clock());
  return plan;
}

export interface AudioStepResult {
  /** The mix in the store; `null` when the output has no sound. */
  readonly key: string | null;
  readonly ms: number;
}

/** Mixes the sound of a plan once over its whole range and stores it. */
export async function audioStep(
  plan: Plan,
  worker: ChromiumFrameWorker,
  signal?: AbortSignal,
): Promise<AudioStepResult> {
  const { store } = worker;
  const codec = audioCodecOf(plan.encoding);
  if (codec === 'none' || plan.audioTracks.length === 0) return { key: null, ms: 0 };
  const clock = stopwatch();
  await using folder = await createWorkFolder('audio');
  const extension = soundExtension(codec);
  const policy = worker.networkPolicy({
    ref: plan.composition.ref,
    allowHosts: plan.frameJobs[0]?.page.allowHosts,
  });
  const outputFile = path.join(folder.path, `audio.${extension}`);
  await mixAudio({
    tracks: plan.audioTracks,
    frameRange: plan.frameRange,
    durationInFrames: plan.composition.durationInFrames,
    fps: plan.composition.fps,
    openSource: async (source) =>
      source.kind === 'url'
        ? fetchSound(source.url, { policy, folder: folder.path, signal })
        : localCopy(store, blobKey(source.sha256), folder.path, { sha256: source.sha256, signal }),
    codec,
    bitrate: plan.encoding.audioBitrate,
    outputFile,
    signal,
  });
  const key = keys.audio(plan.id, extension);
  await store.put(key, { file: outputFile });
  return { key, ms: clock() };
}

/** Ending of the pictures when the output of a plan is an image sequence. */
export function sequenceExtension({ encoding }: Pick<RenderJob, 'encoding'>): string | undefined {
  const { pictures, extensions } = codecTraits[encoding.codec];
  return pictures && encoding.codec !== 'gif' ? extensions[0] : undefined;
}

/** An output in its place. */
export interface FinishedOutput extends Joined {
  readonly address: string;
  readonly bytes: number;
}

/**
 * What a render says of itself once its output is in place.
 * @param duplicated segments that were started a second time
 */
export function describeResult(
  plan: Plan,
  results: readonly FrameResult[],
  { address, bytes, seams, joinedBy }: FinishedOutput,
  timings: Omit<RenderResult['timings'], 'total'>,
  duplicated = 0,
): RenderResult {
  const fps = outputFps(plan.composition.fps, plan.encoding.everyNthFrame);
  const cached = results.filter((result) => result.cached).length;
  return {
    id: plan.id,
    output: address,
    bytes,
    frames: plan.frames,
    fps,
    ...outputSize(plan.composition, plan.encoding),
    durationSeconds: frameToSeconds(plan.frames, fps),
    segments: {
      total: results.length,
      cached,
      rendered: results.length - cached,
      ...(duplicated > 0 ? { duplicated } : {}),
    },
    joinedBy,
    seams,
    audioTracks: plan.audioTracks.length,
    seekMode: plan.seekMode,
    capture: countBy(results.map(({ captureMode }) => captureMode)),
    warnings: [
      ...new Set([...plan.warnings, ...results.flatMap(({ warnings }) => warnings), ...seamWarnings(seams)]),
    ],
    timings: { ...timings, total: timings.plan + timings.render + timings.stitch },
  };
}

function countBy<T extends string>(values: readonly T[]): Partial<Record<T, number>> {
  const counts: Partial<Record<T, number>> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
