import { z } from 'zod';
import { frameRangeSchema } from './render-job.ts';
import { renderProgressSchema, renderResultSchema } from './render-result.ts';

/** Where a farm is: the JSON in the SSM parameter `/helios-infra/<name>/farm`. */
export const farmSchema = z.looseObject({
  /** Of the package that deployed it. */
  version: z.string(),
  region: z.string().optional(),
  /** The name of the CloudFormation stack that it is part of; farms of the first version do not tell. */
  stack: z.string().optional(),
  bucket: z.string(),
  /** Below which the store's keys begin, without a slash at the end. */
  prefix: z.string().default(''),
  stateMachineArn: z.string(),
  /** The functions' names. */
  functions: z.strictObject({
    plan: z.string(),
    render: z.string(),
    audio: z.string(),
    stitch: z.string(),
    failure: z.string(),
  }),
  kmsKeyArn: z.string().optional(),
  /** Segments of a render at the same time at the most. */
  maxParallel: z.number().default(1_000),
  /** False when the bucket goes with the stack. */
  keepBucket: z.boolean().default(true),
});
export type Farm = z.output<typeof farmSchema> & { readonly name: string };

/** What `renders/<id>/progress/<index>.json` says of a finished segment. */
export const segmentProgressSchema = z.object({
  index: z.int().min(0),
  frames: z.int().min(0),
  cached: z.boolean().default(false),
  /** Milliseconds of the function, all of its calls since the plan together. */
  ms: z.number().min(0).default(0),
  /** How often it was called before. */
  attempt: z.int().min(0).default(0),
  /** Of the plan that it was called for. */
  plannedAt: z.number().optional(),
});
export type SegmentProgress = z.output<typeof segmentProgressSchema>;

/** What `renders/<id>/error.json` says. */
export const renderErrorSchema = z.looseObject({
  name: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).default({}),
  segment: z.object({ index: z.int(), range: frameRangeSchema }).optional(),
  execution: z.string().optional(),
});

/** What the state machine answers: a render's result, perhaps with more in it. */
export const farmResultSchema = z.looseObject(renderResultSchema.shape);

export const executionStatuses = ['running', 'succeeded', 'failed', 'cancelled', 'timed-out'] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];

/** What a render on a farm reports. */
export const farmProgressSchema = renderProgressSchema.extend({
  id: z.string(),
  status: z.enum(executionStatuses),
  /** Its execution's name: the id, or `<id>-r<n>` once it was resumed. */
  execution: z.string(),
  startedAt: z.string(),
  elapsedSeconds: z.number(),
  segments: renderProgressSchema.shape.segments.extend({ queued: z.int(), failed: z.int() }),
  /** USD of what has ended so far, at list prices; on Cloud Run nothing counts it. */
  costSoFar: z.number().optional(),
});
export type FarmProgress = z.output<typeof farmProgressSchema>;
