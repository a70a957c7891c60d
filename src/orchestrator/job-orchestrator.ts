import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { soundExtension } from '../stitcher/audio-encode.ts';
import { mixAudio } from '../stitcher/audio-mix.ts';
import { OutputFile } from '../stitcher/output-file.ts';
import { stitch } from '../stitcher/stitch.ts';
import { blobKey, createBundle } from '../storage/bundle.ts';
import { keys } from '../storage/keys.ts';
import { localCopy } from '../storage/local-copy.ts';
import { type ObjectStore, putJson } from '../storage/object-store.ts';
import { audioCodecOf, codecTraits, outputSize } from '../types/codecs.ts';
import type { CompositionRef } from '../types/composition.ts';
import type { CloudAdapter } from '../types/contracts.ts';
import { frameToSeconds, outputFps } from '../types/fps.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { type RenderJob, type RenderJobInput, renderJobSchema } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { HeliosError, ValidationError } from '../utils/errors.ts';
import { retry } from '../utils/retry.ts';
import { createWorkFolder, sweepWorkFolders } from '../utils/work-folder.ts';
import type { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { checkEncoding } from './check-encoding.ts';
import { planJob } from './plan.ts';
import { type OnProgress, ProgressMeter } from './progress.ts';
import { runLimited } from './run-limited.ts';

export interface RunOptions {
  /** Cancels the render: no process and no temporary file is left, finished segments stay in the store. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Where a composition's page is; a folder is put into the store first. */
export async function referenceTo(source: string, store: ObjectStore): Promise<CompositionRef> {
  if (/^https?:\/\//i.test(source)) return { kind: 'url', url: source };
  const { digest, entry } = await createBundle(store, source);
  return { kind: 'bundle', digest, entry };
}

/** Checks a job and fills in its defaults. @throws ValidationError */
export function parseJob(input: RenderJobInput): RenderJob {
  const parsed = renderJobSchema.safeParse(input);
  if (!parsed.success) throw ValidationError.fromZod('render job', parsed.error);
  checkEncoding(parsed.data.encoding, parsed.data.outputPath);
  return parsed.data;
}

/** Drives a job from this process: plans it, has its frame jobs rendered by an adapter, stitches the output. */
export class JobOrchestrator {
  readonly #worker: ChromiumFrameWorker;
  readonly #adapter: CloudAdapter;
  readonly #store: ObjectStore;

  constructor(worker: ChromiumFrameWorker, adapter: CloudAdapter) {
    this.#worker = worker;
    this.#adapter = adapter;
    this.#store = worker.store;
  }

  /**
   * Renders a job to its output path. Retryable errors are tried again, 4 times in all.
   * @throws HeliosError of many kinds; nothing half-written is left at the output path
   */
  async run(input: RenderJobInput, { signal, onProgress }: RunOptions = {}): Promise<RenderResult> {
    const job = parseJob(input);
    try {
      return await this.#run(job, signal, new ProgressMeter(onProgress));
    } catch (error) {
      const known = error instanceof HeliosError ? error.toJSON() : { name: 'Error', message: String(error) };
      await putJson(this.#store, keys.error(job.id), known).catch(() => {});
      throw error;
    }
  }

  async #run(job: RenderJob, outer: AbortSignal | undefined, meter: ProgressMeter): Promise<RenderResult> {
    const clock = stopwatch();
    await sweepWorkFolders();
    const { pictures } = codecTraits[job.encoding.codec];
    const single = !pictures || job.encoding.codec === 'gif';
    await using output = await OutputFile.reserve(
      job.outputPath,
      single ? undefined : codecTraits[job.encoding.codec].extensions[0],
    );
    meter.enter('bundle');
    const ref = await referenceTo(job.composition.source, this.#store);
    meter.enter('plan');
    const plan = await this.#retry(outer, () =>
      planJob(job, {
        ref,
        worker: this.#worker,
        capacity: this.#adapter.getStatus().capacity,
        signal: outer,
      }),
    );
    await putJson(this.#store, keys.job(job.id), job);
    await putJson(this.#store, keys.plan(job.id), plan);
    const planMs = clock();

    meter.enter('render', plan);
    const failed = new AbortController();
    const signal = outer ? AbortSignal.any([outer, failed.signal]) : failed.signal;
    const stopAll = (error: unknown): never => {
      failed.abort(error);
      throw error;
    };
    await using folder = await createWorkFolder('audio');
    const [rendered, mixed] = await Promise.allSettled([
      this.#renderSegments(plan, signal, meter).catch(stopAll),
      this.#mix(plan, folder.path, signal).catch(stopAll),
    ]);
    const renderMs = clock();
    if (failed.signal.aborted) throw failed.signal.reason;
    if (rendered.status === 'rejected') throw rendered.reason;
    if (mixed.status === 'rejected') throw mixed.reason;

    meter.enter('stitch');
    const { file: audioFile, ms: audioMs } = mixed.value;
    await stitch({
      plan,
      results: rendered.value,
      store: this.#store,
      audioFile,
      output: output.partial,
      signal: outer,
    });
    const bytes = await output.commit();
    const stitchMs = clock();
    const fps = outputFps(plan.composition.fps, plan.encoding.everyNthFrame);
    const result: RenderResult = {
      id: job.id,
      output: output.target,
      bytes,
      frames: plan.frames,
      fps,
      ...outputSize(plan.composition, plan.encoding),
      durationSeconds: frameToSeconds(plan.frames, fps),
      segments: meter.segments,
      audioTracks: plan.audioTracks.length,
      seekMode: plan.seekMode,
      warnings: [...new Set([...plan.warnings, ...rendered.value.flatMap(({ warnings }) => warnings)])],
      timings: {
        plan: planMs,
        render: renderMs,
        audio: audioMs,
        stitch: stitchMs,
        total: planMs + renderMs + stitchMs,
      },
    };
    await putJson(this.#store, keys.result(job.id), result);
    return result;
  }

  #renderSegments(plan: Plan, signal: AbortSignal, meter: ProgressMeter): Promise<FrameResult[]> {
    return runLimited(plan.frameJobs, plan.maxParallel, signal, async (job) => {
      meter.segmentStarted();
      let result: FrameResult | undefined;
      try {
        result = await this.#retry(
          signal,
          () =>
            this.#adapter.invoke(this.#worker, job, {
              signal,
              onFrames: (done) => meter.segmentFrames(job.index, done),
            }),
          () => meter.segmentRetried(job.index),
        );
        return result;
      } finally {
        meter.segmentEnded(result);
      }
    });
  }

  async #mix(
    plan: Plan,
    folder: string,
    signal: AbortSignal,
  ): Promise<{ file: string | undefined; ms: number }> {
    const codec = audioCodecOf(plan.encoding);
    if (codec === 'none' || plan.audioTracks.length === 0) return { file: undefined, ms: 0 };
    const clock = stopwatch();
    const file = path.join(folder, `audio.${soundExtension(codec)}`);
    await this.#retry(signal, () =>
      mixAudio({
        tracks: plan.audioTracks,
        frameRange: plan.frameRange,
        durationInFrames: plan.composition.durationInFrames,
        fps: plan.composition.fps,
        openSource: async (source) =>
          source.kind === 'url' ? source.url : localCopy(this.#store, blobKey(source.sha256), folder),
        codec,
        bitrate: plan.encoding.audioBitrate,
        outputFile: file,
        signal,
      }),
    );
    return { file, ms: clock() };
  }

  #retry<T>(signal: AbortSignal | undefined, work: () => Promise<T>, onRetry?: () => void): Promise<T> {
    return retry(work, { signal, ...(onRetry ? { onRetry } : {}) });
  }
}

/** Milliseconds since the last call. */
function stopwatch(): () => number {
  let since = performance.now();
  return () => {
    const now = performance.now();
    const ms = now - since;
    since = now;
    return ms;
  };
}
