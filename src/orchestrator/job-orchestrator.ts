import { randomUUID } from 'node:crypto';
import { OutputFile } from '../stitcher/output-file.ts';
import type { StitchOptions } from '../stitcher/stitch.ts';
import { createBundle } from '../storage/bundle.ts';
import { dropDamaged } from '../storage/drop-damaged.ts';
import { keys } from '../storage/keys.ts';
import { type ObjectStore, putJson } from '../storage/object-store.ts';
import { type CompositionRef, compositionRefSchema } from '../types/composition.ts';
import type { CloudAdapter } from '../types/contracts.ts';
import { type RenderJob, type RenderJobInput, renderJobSchema } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import {
  CompositionNotFoundError,
  HeliosError,
  SegmentDamagedError,
  ValidationError,
} from '../utils/errors.ts';
import { retry } from '../utils/retry.ts';
import { sweepWorkFolders } from '../utils/work-folder.ts';
import type { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { workerVersion } from '../worker/worker-version.ts';
import { checkEstimate, withinBudget } from './budget.ts';
import { checkEncoding } from './check-encoding.ts';
import { makeFile, makeOutput } from './make-output.ts';
import { type OnProgress, ProgressMeter } from './progress.ts';
import { renderSegments } from './render-segments.ts';
import { audioStep, describeResult, type FinishedOutput, planStep, sequenceExtension } from './steps.ts';
import { stopwatch } from './stopwatch.ts';

/** How often segments that were lost while others were rendered are rendered again. */
const MAX_MENDS = 2;

export interface RunOptions {
  /** Cancels the render: no process and no temporary file is left, finished segments stay in the store. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Whether the output goes into the store, as `renders/<id>/output.<ext>`. @default it goes to the job's output path */
  readonly intoStore?: boolean | undefined;
}

const BUNDLED = /^bundle:([0-9a-f]{64})\/(.+)$/;

/** A composition's source that names a bundle of the store: `bundle:<digest>/<entry>`. */
export function bundledSource({ digest, entry }: Extract<CompositionRef, { kind: 'bundle' }>): string {
  return `bundle:${digest}/${entry}`;
}

/**
 * Where a composition's page is; a folder is put into the store first, unless the source is `bundle:<digest>/<entry>`.
 * @throws CompositionNotFoundError, UnsafePathError
 */
export async function referenceTo(source: string, store: ObjectStore): Promise<CompositionRef> {
  if (/^https?:\/\//i.test(source)) {
    const ref = compositionRefSchema.safeParse({ kind: 'url', url: source });
    if (ref.success) return ref.data;
    throw new CompositionNotFoundError(`${source} is not an address that a browser can load.`, {
      details: { source },
    });
  }
  const [, known, page] = BUNDLED.exec(source) ?? [];
  if (known !== undefined) return compositionRefSchema.parse({ kind: 'bundle', digest: known, entry: page });
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

/** @throws ValidationError for a limit that would not be kept */
function checkNoCost({ budget }: RenderJob): void {
  if (budget?.maxCost === undefined) return;
  throw new ValidationError(
    'budget.maxCost: only a farm counts what a render costs; this one is driven from here, where nothing counts it. Leave --max-cost out, limit it by --max-time, or render it with --on lambda.',
    { details: { field: 'budget.maxCost' } },
  );
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
   * Renders a job to its output path, or into the store. Retryable errors are tried again, 4 times in all; a segment
   * far slower than the others is started a second time when there is room for it. A file of the composition that the
   * store damaged is put there again, once.
   * @throws HeliosError of many kinds; nothing half-written is left where the output goes
   */
  async run(input: RenderJobInput, options: RunOptions = {}): Promise<RenderResult> {
    const job = parseJob(input);
    checkNoCost(job);
    try {
      const budget = job.budget && { ...job.budget, since: Date.now() };
      let meter = new ProgressMeter(options.onProgress);
      const work = async (inTime: AbortSignal | undefined): Promise<RenderResult> => {
        try {
          return await this.#run(job, inTime, meter, options);
        } catch (error) {
          if (!(await dropDamaged(this.#store, error))) throw error;
          meter = new ProgressMeter(options.onProgress);
          return await this.#run(job, inTime, meter, options);
        }
      };
      return await withinBudget(budget, options.signal, work, { planned: () => meter.planned });
    } catch (error) {
      const known = error instanceof HeliosError ? error.toJSON() : { name: 'Error', message: String(error) };
      await putJson(this.#store, keys.error(job.id), known).catch(() => {});
      throw error;
    }
  }

  async #run(
    job: RenderJob,
    outer: AbortSignal | undefined,
    meter: ProgressMeter,
    { intoStore = false }: RunOptions,
  ): Promise<RenderResult> {
    const clock = stopwatch();
    // Asks FFmpeg, which takes a while; the plan needs it.
    workerVersion().catch(() => {});
    await sweepWorkFolders();
    await using output = intoStore
      ? undefined
      : await OutputFile.reserve(job.outputPath, sequenceExtension(job));
    const make = (joining: StitchOptions): Promise<FinishedOutput> =>
      output ? makeFile(joining, output) : makeOutput(joining, job.outputPath);
    meter.enter('bundle');
    const [ref] = await Promise.all([
      referenceTo(job.composition.source, this.#store),
      this.#store.delete(keys.error(job.id)).catch(() => {}),
    ]);
    meter.enter('plan');
    const { capacity, name } = this.#adapter.getStatus();
    const run = randomUUID();
    const plan = await this.#retry(outer, () =>
      planStep(job, {
        ref,
        worker: this.#worker,
        capacity,
        idleIsFree: name === 'local',
        run,
        signal: outer,
      }),
    );
    const planMs = clock();
    checkEstimate(job.budget ?? {}, { seconds: (planMs + plan.estimate.wallMs) / 1000 });

    meter.enter('render', plan);
    const failed = new AbortController();
    const signal = outer ? AbortSignal.any([outer, failed.signal]) : failed.signal;
    const stopAll = (error: unknown): never => {
      failed.abort(error);
      throw error;
    };
    const [rendered, mixed] = await Promise.allSettled([
      renderSegments(plan, { worker: this.#worker, adapter: this.#adapter, signal, meter }).catch(stopAll),
      this.#retry(signal, () => audioStep(plan, this.#worker, signal)).catch(stopAll),
    ]);
    const renderMs = clock();
    if (failed.signal.aborted) throw failed.signal.reason;
    if (rendered.status === 'rejected') throw rendered.reason;
    if (mixed.status === 'rejected') throw mixed.reason;

    meter.enter('stitch');
    const { key: audioKey, ms: audioMs } = mixed.value;
    const joining = { plan, results: rendered.value, store: this.#store, audioKey, signal: outer };
    const { results, ...made } = await this.#stitch(joining, meter, make);
    const timings = { plan: planMs, render: renderMs, audio: audioMs, stitch: clock() };
    const result = describeResult(plan, results, made, timings, meter.duplicated);
    await putJson(this.#store, keys.result(job.id), result);
    return result;
  }

  /** Has the output made of the segments; those that the store lost or damaged meanwhile are rendered again. */
  async #stitch(
    joining: StitchOptions,
    meter: ProgressMeter,
    make: (joining: StitchOptions) => Promise<FinishedOutput>,
  ): Promise<FinishedOutput & Pick<StitchOptions, 'results'>> {
    const { plan, signal } = joining;
    let { results } = joining;
    for (let mends = 0; ; mends++) {
      try {
        return { results, ...(await this.#retry(signal, () => make({ ...joining, results }))) };
      } catch (error) {
        if (!(error instanceof SegmentDamagedError) || mends === MAX_MENDS) throw error;
        const lost = new Set(error.details.segments as number[]);
        for (const result of results) if (lost.has(result.index)) meter.segmentLost(result);
        const jobs = plan.frameJobs.filter(({ index }) => lost.has(index));
        const mend = { ...plan, frameJobs: jobs };
        const again = await renderSegments(mend, {
          worker: this.#worker,
          adapter: this.#adapter,
          signal: signal ?? new AbortController().signal,
          meter,
        });
        results = [...results.filter(({ index }) => !lost.has(index)), ...again];
      }
    }
  }

  #retry<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return retry(work, { signal });
  }
}
