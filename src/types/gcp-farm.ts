import { z } from 'zod';

/** Where a farm on Google Cloud is: `farm.json` in its bucket. */
export const gcpFarmSchema = z.looseObject({
  /** Of the package that deployed it. */
  version: z.string(),
  project: z.string(),
  region: z.string(),
  bucket: z.string(),
  /** Address of the service that renders frames. */
  serviceUrl: z.url(),
  /** Name of the Cloud Run Job that drives renders. */
  job: z.string(),
});
export type GcpFarm = z.output<typeof gcpFarmSchema> & { readonly name: string };

/** What `renders/<id>/execution.json` says: the newest execution of a render. */
export const executionRecordSchema = z.object({
  /** `projects/…/locations/…/jobs/…/executions/…`. */
  name: z.string().regex(/^projects\/[^/]+\/locations\/[^/]+\/jobs\/[^/]+\/executions\/[^/]+$/),
});

/** What the Cloud Run API says of an execution. */
export const runExecutionSchema = z.looseObject({
  name: z.string(),
  createTime: z.string(),
  completionTime: z.string().optional(),
  succeededCount: z.int().default(0),
  failedCount: z.int().default(0),
  cancelledCount: z.int().default(0),
  conditions: z
    .array(
      z.looseObject({ /** Such as `CANCELLING`, `CANCELLED`. */ executionReason: z.string().optional() }),
    )
    .default([]),
});
export type RunExecution = z.output<typeof runExecutionSchema>;
