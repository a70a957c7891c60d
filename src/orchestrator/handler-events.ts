import { z } from 'zod';
import { type CompositionRef, compositionRefSchema } from '../types/composition.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { idSchema, type RenderJob, renderJobSchema } from '../types/render-job.ts';
import { ValidationError } from '../utils/errors.ts';

export const planEventSchema = z.strictObject({
  job: renderJobSchema,
  /** Where the composition is; its bundle lies in the store already. @default the job's source, when it is an address */
  ref: compositionRefSchema.optional(),
  /** Frame jobs that may be at work at the same time. @default 1000 */
  capacity: z.int().min(1).default(1000),
});
export const renderIdEventSchema = z.object({ id: idSchema });
export const segmentEventSchema = renderIdEventSchema.extend({
  index: z.int().min(0),
  /** How often it was tried before. @default 0 */
  attempt: z.int().min(0).default(0),
  /** After which its caller gives it up; it ends shortly before. @default the function's own */
  timeoutSeconds: z.number().positive().optional(),
});
export const stitchEventSchema = renderIdEventSchema.extend({
  /** The store's key of the mix, as the audio handler gave it. */
  audioKey: z.string().nullable().default(null),
  /** Milliseconds that the audio handler took. @default 0 */
  audioMs: z.number().min(0).default(0),
});

/** What the plan handler answers: small, whatever the number of frames. */
export interface PlanSummary {
  readonly id: string;
  readonly frames: number;
  readonly segments: number;
  /** Of the segments, those that the store has. */
  readonly segmentsFound: number;
  readonly maxParallel: number;
  readonly seekMode: Plan['seekMode'];
  /** The segments when there are at most 40, else none. */
  readonly items: readonly Pick<FrameJob, 'index' | 'range'>[];
  /** Key of a JSON array of all segments' index and range. */
  readonly itemsKey: string;
  /** Seconds after which a segment that is still at work counts as hung. */
  readonly renderTimeoutSeconds: number;
}

/** What the render handler answers for a segment of a plan. */
export interface SegmentSummary {
  readonly index: number;
  readonly frames: number;
  readonly cached: boolean;
  readonly ms: number;
  readonly bytes: number;
}

const namingSchema = z.union([
  renderIdEventSchema.transform(({ id }) => id),
  z.object({ job: renderIdEventSchema }).transform(({ job }) => job.id),
]);

/** The id of the render that an event belongs to; `undefined` when it names none. */
export function renderOf(event: unknown): string | undefined {
  return namingSchema.safeParse(event).data;
}

/** @param subject what is checked, for the message @throws ValidationError */
export function parseEvent<T>(schema: z.ZodType<T>, subject: string, event: unknown): T {
  const parsed = schema.safeParse(event);
  if (!parsed.success) throw ValidationError.fromZod(subject, parsed.error);
  return parsed.data;
}

/** The page of a job whose source is an address. @throws ValidationError for any other */
export function addressOf({ composition }: RenderJob): CompositionRef {
  const ref = compositionRefSchema.safeParse({ kind: 'url', url: composition.source });
  if (ref.success) return ref.data;
  throw new ValidationError(
    `ref: missing, and the source ${JSON.stringify(composition.source)} is no address. Upload the folder with helios-infra bundle, and pass the ref that it tells.`,
    { details: { field: 'ref', source: composition.source } },
  );
}
