import { z } from 'zod';
import { audioTrackSchema } from './audio.ts';
import { resolvedCompositionSchema } from './composition.ts';
import { encodingSchema } from './encoding.ts';
import { frameJobSchema } from './frame-job.ts';
import { budgetSchema, frameRangeSchema, idSchema, onSeamMismatchSchema } from './render-job.ts';

/** A state machine maps up to so many segments inside its execution; more need child executions. */
export const INLINE_SEGMENTS = 40;

export const estimateSchema = z.strictObject({
  /** Milliseconds of one worker for one frame, measured on sample frames. */
  msPerFrame: z.number(),
  /** Milliseconds of one worker for going on by a frame without taking its picture, as a replay does. */
  msPerStep: z.number(),
  /** Milliseconds of one worker for the segments that the store does not have, the steps to them included. */
  workMs: z.number(),
  /** Of these segments, that which takes longest. */
  longestMs: z.number(),
  /** Milliseconds until the last segment, at the planned parallelism. */
  wallMs: z.number(),
});
export type Estimate = z.output<typeof estimateSchema>;

/** A job's budget, with what its farm has to know to keep it. */
export const planBudgetSchema = budgetSchema.extend({
  /** When the render began, in milliseconds of the epoch. */
  since: z.number(),
  /** Milliseconds of the render function, all invocations together, that `maxCost` pays for. */
  renderMs: z.number().optional(),
});
export type PlanBudget = z.output<typeof planBudgetSchema>;

/** What a render job becomes. */
export const planSchema = z.strictObject({
  id: idSchema,
  composition: resolvedCompositionSchema,
  frameRange: frameRangeSchema,
  encoding: encodingSchema,
  /** Frames of the output. */
  frames: z.int().min(1),
  seekMode: z.enum(['seek', 'replay']),
  /** Set where it was not tried to reach frames at once, as all are shown in order from the first. */
  untried: z.literal(true).optional(),
  maxParallel: z.int().min(1),
  frameJobs: z.array(frameJobSchema).min(1),
  onSeamMismatch: onSeamMismatchSchema,
  /** Frame jobs whose segments the store had when the plan was made. */
  segmentsFound: z.int().min(0),
  audioTracks: z.array(audioTrackSchema),
  estimate: estimateSchema,
  warnings: z.array(z.string()),
  budget: planBudgetSchema.optional(),
});
export type Plan = z.output<typeof planSchema>;
