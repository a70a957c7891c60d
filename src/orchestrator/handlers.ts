import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore, putJson } from '../storage/object-store.ts';
import type { FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import { defaultSizes, type FunctionSizes } from '../types/function-sizes.ts';
import { INLINE_SEGMENTS, type Plan } from '../types/plan.ts';
import { renderJobSchema } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { FrameRangeError, SegmentDamagedError } from '../utils/errors.ts';
import { runLimited } from '../utils/run-limited.ts';
import { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { findSegment } from '../worker/find-segment.ts';
import { boundAnswer } from './bound-answer.ts';
import { admitPlan, withinBudget } from './budget.ts';
import { costOf, prices, useByTimings } from './cost.ts';
import { type Capacity, type HandlerContext, shorter, withinTime } from './handler-context.ts';
import {
  addressOf,
  type PlanSummary,
  parseEvent,
  planEventSchema,
  renderIdEventSchema,
  renderOf,
  type SegmentSummary,
  segmentEventSchema,
  stitchEventSchema,
} from './handler-events.ts';
import { makeOutput } from './make-output.ts';
import { type PlanRecord, readPlan } from './plan-record.ts';
import { failureEventSchema, leavingError, type RenderStep, recordFailure } from './record-failure.ts';
import { checkReplay, renderTimeoutSeconds } from './render-timeout.ts';
import { readProgress, tellProgress } from './segment-progress.ts';
import { markStart, spendingOf } from './spent-time.ts';
import { type AudioStepResult, audioStep, describeResult, planStep } from './steps.ts';
import { stopwatch } from './stopwatch.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;

export interface HandlersOptions {
  /** @default no limit but the event's */
  readonly capacity?: (() => Promise<Capacity>) | undefined;
  /** Where the functions' logs lie, for the record of a failure that they could not tell. @default not known */
  readonly logGroups?: Readonly<Partial<Record<RenderStep, string>>> | undefined;
  /** The functions' sizes, for the time that a segment may take and the cost in the result. @default neither counts */
  readonly sizes?: FunctionSizes | undefined;
}

/**
 * The functions of the farm over one store: what lambda/ runs in the cloud and tests run in their own process.
 * Each takes an event as it comes, checks it, and answers a small value; everything large lies in the store.
 * Dispose of it to end its browsers.
 */
export class Handlers implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #worker: ChromiumFrameWorker;
  readonly #options: HandlersOptions;

  constructor(store: ObjectStore, options: HandlersOptions = {}) {
    this.#store = store;
    this.#worker = new ChromiumFrameWorker(store);
    this.#options = options;
  }

  get worker(): FrameWorker {
    return this.#worker;
  }

  /** `{job, ref?, capacity?}` → writes `renders/<id>/plan.json` and `segments.json`. */
  plan(event: unknown, context: HandlerContext = {}): Promise<PlanSummary> {
    return this.#step('plan', event, context, () => this.#planJob(event, context));
  }

  async #planJob(event: unknown, context: HandlerContext): Promise<PlanSummary> {
    const { job, ref = addressOf(job), capacity: asked } = parseEvent(planEventSchema, 'plan event', event);
    const since = Date.now();
    const { segments = asked, warning } = (await this.#options.capacity?.()) ?? {};
    const capacity = Math.max(1, Math.min(asked, segments));
    const { sizes = defaultSizes } = this.#options;
    const admit = (found: Plan): Plan => {
      const warnings = warning === undefined ? found.warnings : [...found.warnings, warning];
      return admitPlan({ ...found, warnings }, job.budget, sizes, since);
    };
    const plan = await withinTime(
      context,
      () => ({ what: `The plan of ${job.id}` }),
      (signal) => planStep(job, { ref, worker: this.#worker, capacity, signal }, admit),
    );
    if (this.#options.sizes) checkReplay(plan, this.#options.sizes.render.timeout);
    const { id, frames, maxParallel, seekMode, frameJobs, segmentsFound } = plan;
    const items = frameJobs.map(({ index, range }) => ({ index, range }));
    return {
      id,
      frames,
      segments: items.length,
      segmentsFound,
      maxParallel,
      seekMode,
      items: items.length <= INLINE_SEGMENTS ? items : [],
      itemsKey: keys.segmentList(id),
      renderTimeoutSeconds: renderTimeoutSeconds(plan),
    };
  }

  /** `{id, index}` of a planned render, or a whole frame job → its segment in the store. */
  render(
    event: { readonly id: string; readonly index: number },
    context?: HandlerContext,
  ): Promise<SegmentSummary>;
  render(event: FrameJob, context?: HandlerContext): Promise<FrameResult>;
  render(event: unknown, context?: HandlerContext): Promise<FrameResult | SegmentSummary>;
  async render(event: unknown, context: HandlerContext = {}): Promise<FrameResult | SegmentSummary> {
    if (event !== null && typeof event === 'object' && 'segmentKey' in event)
      return this.#renderSegment(event as FrameJob, context);
    const { id, index, attempt, timeoutSeconds } = parseEvent(segmentEventSchema, 'render event', event);
    const clock = stopwatch();
    const plan = await readPlan(this.#store, id);
    const { frameJobs, budget } = plan;
    const job = frameJobs[index];
    if (!job) {
      throw new FrameRangeError(
        `The plan of ${id} has ${frameJobs.length} segments, and none of index ${index}.`,
        {
          details: { id, index, segments: frameJobs.length },
        },
      );
    }
    const failed = { id, step: 'render', segment: { index, range: job.range } } as const;
    return leavingError(this.#store, failed, context, async () => {
      if (budget?.renderMs !== undefined) await markStart(this.#store, id, index, attempt);
      const inTime = shorter(context, timeoutSeconds);
      const { frames, cached, bytes } = await this.#renderSegment(job, inTime, plan);
      const ms = clock();
      await tellProgress(this.#store, plan, { index, frames, cached, ms, attempt });
      return { index, frames, cached, ms, bytes };
    });
  }

  /** `{id}` → the sound of the whole render in the store. */
  audio(event: unknown, context: HandlerContext = {}): Promise<AudioStepResult> {
    return this.#step('audio', event, context, async () => {
      const plan = await this.#plan(event);
      return withinTime(
        context,
        () => ({ what: `The sound of ${plan.id}` }),
        (outer) => withinBudget(plan.budget, outer, (signal) => audioStep(plan, this.#worker, signal)),
      );
    });
  }

  /** `{id, audioKey?}` → `renders/<id>/output.<ext>`, or `output/00000.<ext>` and so on, and `result.json`. */
  stitch(event: unknown, context: HandlerContext = {}): Promise<RenderResult> {
    return this.#step('stitch', event, context, async () => {
      const { audioKey, audioMs } = parseEvent(stitchEventSchema, 'stitch event', event);
      const plan = await this.#plan(event);
      return withinTime(
        context,
        () => ({ what: `Joining the segments of ${plan.id}` }),
        (outer) =>
          withinBudget(plan.budget, outer, (signal) => this.#stitch(plan, audioKey, audioMs, signal)),
      );
    });
  }

  /** `{id, error: {Error, Cause}, step?, segment?, execution?}` → `renders/<id>/error.json`. */
  failure(event: unknown): Promise<{ readonly key: string }> {
    const failure = parseEvent(failureEventSchema, 'failure event', event);
    return recordFailure(this.#store, failure, this.#options.logGroups ?? {});
  }

  /** An event that names no render leaves no error behind. */
  #step<T>(
    step: 'plan' | 'audio' | 'stitch',
    event: unknown,
    context: HandlerContext,
    work: () => Promise<T>,
  ): Promise<T> {
    const id = renderOf(event);
    return id === undefined ? work() : leavingError(this.#store, { id, step }, context, work);
  }

  #renderSegment(job: FrameJob, context: HandlerContext, plan?: PlanRecord): Promise<FrameResult> {
    let done = 0;
    return withinTime(
      context,
      () => ({
        what: `Segment ${job.index} (frames ${job.range[0]}–${job.range[1] - 1})`,
        details: { index: job.index, range: job.range, framesDone: done },
      }),
      (outer) => {
        const onFrames = (frames: number): void => {
          done = frames;
        };
        const render = (signal?: AbortSignal) =>
          this.#worker.renderFrame(job, { ...(signal ? { signal } : {}), onFrames });
        return withinBudget(plan?.budget, outer, render, { spending: spendingOf(this.#store, plan) });
      },
    );
  }

  async #stitch(
    plan: PlanRecord,
    audioKey: string | null,
    audioMs: number,
    signal: AbortSignal | undefined,
  ): Promise<RenderResult> {
    const clock = stopwatch();
    const told = await runLimited(plan.frameJobs, MAX_REQUESTS, signal, ({ index }) =>
      readProgress(this.#store, plan, index),
    );
    const results = (await this.#findSegments(plan, signal)).map((result) => ({
      ...result,
      cached: told[result.index]?.cached ?? true,
    }));
    const job = renderJobSchema.safeParse(await findJson(this.#store, keys.job(plan.id))).data;
    const joining = { plan, results, store: this.#store, audioKey, signal };
    const made = await makeOutput(joining, job?.outputPath);
    const render = told.reduce((sum, segment) => sum + (segment?.ms ?? 0), 0);
    const timings = { plan: plan.planMs, render, audio: audioMs, stitch: clock() };
    const result = describeResult(plan, results, made, timings);
    const attempts = told.reduce((sum, segment) => sum + (segment?.attempt ?? 0) + 1, 0);
    const { sizes } = this.#options;
    const use = useByTimings(timings, results.length, attempts);
    const whole = sizes
      ? { ...result, cost: { usd: costOf(use, sizes).total, pricesOf: prices.date } }
      : result;
    await putJson(this.#store, keys.result(plan.id), whole);
    return boundAnswer(whole);
  }

  async #plan(event: unknown): Promise<PlanRecord> {
    const { id } = parseEvent(renderIdEventSchema, 'event', event);
    return readPlan(this.#store, id);
  }

  /** @throws SegmentDamagedError that names all that are missing */
  async #findSegments({ frameJobs }: Plan, signal: AbortSignal | undefined): Promise<FrameResult[]> {
    const found = await runLimited(frameJobs, MAX_REQUESTS, signal, (job) => findSegment(this.#store, job));
    const missing = frameJobs.filter((_, place) => found[place] === undefined);
    if (missing.length > 0) throw SegmentDamagedError.of(missing, this.#store.url);
    return found.filter((result) => result !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
  }
}
