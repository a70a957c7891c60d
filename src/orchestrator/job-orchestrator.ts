import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { OutputFile } from '../stitcher/output-file.ts';
import { type Joined, stitch } from '../stitcher/stitch.ts';
import { createBundle } from '../storage/bundle.ts';
import { dropDamaged } from '../storage/drop-damaged.ts';
import { keys } from '../storage/keys.ts';
import { type ObjectStore, putJson } from '../storage/object-store.ts';
import { type CompositionRef, compositionRefSchema } from '../types/composition.ts';
import type { CloudAdapter } from '../types/contracts.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
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
import { checkEstimate, withinBudget } from './budget.ts';
import { checkEncoding } from './check-encoding.ts';
import { type OnProgress, ProgressMeter } from './progress.ts';
import { renderSegments } from './render-segments.ts';
import { audioStep, describeResult, planStep, sequenceExtension } from './steps.ts';
import { stopwatch } from './stopwatch.ts';

/** How often segments that were lost while others were rendered are rendered again. */
const MAX_MENDS = 2;

export interface RunOptions {
  /** Cancels the render: no process and no temporary file is left, finished segments stay in the store. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Where a relative output path begins. @default the process's folder */
  readonly outputFolder?: string | undefined;
  /** Takes the finished output elsewhere, and tells its address. @default it stays at the job's output path */
  readonly deliver?: ((output: string, plan: Plan) => Promise<string>) | undefined;
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
   * Renders a job to its output path. Retryable errors are tried again, 4 times in all; a segment far slower than
   * the others is started a second time when there is room for it. A file of the composition that the store damaged
   * is put there again, once.
   * @throws HeliosError of many kinds; nothing half-written is left at the output path
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
    { outputFolder = '', deliver }: RunOptions,
  ): Promise<RenderResult> {
    const clock = stopwatch();
    await sweepWorkFolders();
    await using output = await OutputFile.reserve(
      path.resolve(outputFolder, job.outputPath),
      sequenceExtension(job),
    );
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
    const { results, ...joined } = await this.#stitch(
      plan,
      rendered.value,
      audioKey,
      output.partial,
      outer,
      meter,
    );
    const bytes = await output.commit();
    const timings = { plan: planMs, render: renderMs, audio: audioMs, stitch: clock() };
    const address = deliver ? await deliver(output.target, plan) : output.target;
    const made = { ...joined, address, bytes };
    const result = describeResult(plan, results, made, timings, meter.duplicated);
    await putJson(this.#store, keys.result(job.id), result);
    return result;
  }

  /** Joins the segments; those that the store lost or damaged meanwhile are rendered again. @returns what was joined */
  async #stitch(
    plan: Plan,
    rendered: readonly FrameResult[],
    audioKey: string | null,
    output: string,
    signal: AbortSignal | undefined,
    meter: ProgressMeter,
  ): Promise<Joined & { readonly results: readonly FrameResult[] }> {
    let results = rendered;
    for (let mends = 0; ; mends++) {
      try {
        const joined = { plan, results, store: this.#store, audioKey, signal };
        return { results, ...(await this.#retry(signal, () => stitch(joined, output))) };
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
