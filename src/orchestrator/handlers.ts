import path from 'node:path';
import { z } from 'zod';
import { OutputFile } from '../stitcher/output-file.ts';
import { keys } from '../storage/keys.ts';
import { type ObjectStore, putJson, readJson } from '../storage/object-store.ts';
import { codecTraits } from '../types/codecs.ts';
import { compositionRefSchema } from '../types/composition.ts';
import type { FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import { type Plan, planSchema } from '../types/plan.ts';
import { idSchema, renderJobSchema } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { StitchError, ValidationError } from '../utils/errors.ts';
import { runLimited } from '../utils/run-limited.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import {
  type AudioStepResult,
  audioStep,
  describeResult,
  planStep,
  sequenceExtension,
  stitchStep,
} from './steps.ts';
import { stopwatch } from './stopwatch.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;

const planEventSchema = z.strictObject({
  job: renderJobSchema,
  /** Where the composition is; its bundle lies in the store already. */
  ref: compositionRefSchema,
  /** Frame jobs that may be at work at the same time. @default 1000 */
  capacity: z.int().min(1).default(1000),
});
const renderIdEventSchema = z.object({ id: idSchema });
const stitchEventSchema = renderIdEventSchema.extend({
  /** The store's key of the mix, as the audio handler gave it. */
  audioKey: z.string().nullable().default(null),
});

/** What the plan handler answers: small, whatever the number of frames. */
export interface PlanSummary {
  readonly id: string;
  readonly planKey: string;
  readonly frames: number;
  readonly segments: number;
  readonly maxParallel: number;
  readonly seekMode: Plan['seekMode'];
}

function parse<T>(schema: z.ZodType<T>, subject: string, event: unknown): T {
  const parsed = schema.safeParse(event);
  if (!parsed.success) throw ValidationError.fromZod(subject, parsed.error);
  return parsed.data;
}

/**
 * The functions of the farm over one store: what lambda/ runs in the cloud and tests run in their own process.
 * Each takes an event as it comes, checks it, and answers a small value; everything large lies in the store.
 * Dispose of it to end its browsers.
 */
export class Handlers implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #worker: ChromiumFrameWorker;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.#worker = new ChromiumFrameWorker(store);
  }

  get worker(): FrameWorker {
    return this.#worker;
  }

  /** `{job, ref, capacity?}` → writes `renders/<id>/plan.json`. */
  async plan(event: unknown): Promise<PlanSummary> {
    const { job, ref, capacity } = parse(planEventSchema, 'plan event', event);
    const plan = await planStep(job, { ref, worker: this.#worker, capacity });
    const { id, frames, maxParallel, seekMode } = plan;
    return { id, planKey: keys.plan(id), frames, segments: plan.frameJobs.length, maxParallel, seekMode };
  }

  /** A frame job → its segment in the store. */
  render(event: unknown): Promise<FrameResult> {
    return this.#worker.renderFrame(event as FrameJob);
  }

  /** `{id}` → the sound of the whole render in the store. */
  async audio(event: unknown): Promise<AudioStepResult> {
    return audioStep(await this.#plan(event), this.#store);
  }

  /** `{id, audioKey?}` → `renders/<id>/output.<ext>`, or `output/00000.<ext>` and so on, and `result.json`. */
  async stitch(event: unknown): Promise<RenderResult> {
    const { audioKey } = parse(stitchEventSchema, 'stitch event', event);
    const plan = await this.#plan(event);
    const clock = stopwatch();
    const results = await runLimited(plan.frameJobs, MAX_REQUESTS, undefined, (job) => this.#segment(job));
    await using folder = await createWorkFolder('output');
    const sequence = sequenceExtension(plan);
    const extension = sequence ?? (codecTraits[plan.encoding.codec].extensions[0] as string);
    await using output = await OutputFile.reserve(
      path.join(folder.path, sequence ? 'output' : `output.${extension}`),
      sequence,
    );
    await stitchStep({ plan, results, store: this.#store, audioKey, output: output.partial });
    const bytes = await output.commit();
    const key = await this.#storeOutput(plan, output.target, sequence);
    const timings = { plan: 0, render: 0, audio: 0, stitch: clock() };
    const result = describeResult(plan, results, { path: `${this.#store.url}/${key}`, bytes }, timings);
    await putJson(this.#store, keys.result(plan.id), result);
    return result;
  }

  async #storeOutput({ id, frames }: Plan, target: string, sequence: string | undefined): Promise<string> {
    if (sequence === undefined) {
      const key = keys.output(id, path.extname(target).slice(1));
      await this.#store.put(key, { file: target });
      return key;
    }
    const folder = `renders/${id}/output`;
    const names = Array.from(
      { length: frames },
      (_, frame) => `${String(frame).padStart(5, '0')}.${sequence}`,
    );
    await runLimited(names, MAX_REQUESTS, undefined, (name) =>
      this.#store.put(`${folder}/${name}`, { file: path.join(path.dirname(target), name) }),
    );
    return folder;
  }

  async #plan(event: unknown): Promise<Plan> {
    const { id } = parse(renderIdEventSchema, 'event', event);
    return parse(planSchema, 'plan', await readJson(this.#store, keys.plan(id)));
  }

  async #segment(job: FrameJob): Promise<FrameResult> {
    const found = await this.#worker.findSegment(job.segmentKey);
    if (found) return { ...found, index: job.index };
    throw new StitchError(
      `Segment ${job.index} (frames ${job.range[0]}–${job.range[1] - 1}) is not in the store. Render it again.`,
      {
        details: { index: job.index, range: job.range, segmentKey: job.segmentKey },
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
  }
}
