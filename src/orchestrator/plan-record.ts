import { z } from 'zod';
import { keys } from '../storage/keys.ts';
import { type ObjectStore, putJson, readJson } from '../storage/object-store.ts';
import { frameJobSchema } from '../types/frame-job.ts';
import { type Plan, planSchema } from '../types/plan.ts';
import { ValidationError } from '../utils/errors.ts';
import { lookAhead } from './look-ahead.ts';

/** A plan as it lies in the store: what all of its frame jobs have in common is told once. */
const planRecordSchema = planSchema.omit({ frameJobs: true }).extend({
  ...frameJobSchema.pick({ page: true, workerVersion: true }).shape,
  segments: z.array(frameJobSchema.pick({ range: true, segmentKey: true, lookBack: true })).min(1),
  /** Milliseconds that planning took. */
  planMs: z.number().min(0),
  /** Milliseconds of the epoch; tells what belongs to an earlier plan of the same id. */
  plannedAt: z.number(),
});

export type PlanRecord = Plan & { readonly planMs: number; readonly plannedAt: number };

/** Writes `renders/<id>/plan.json`, and `segments.json` with index and range of each segment for a map over them. */
export async function writePlan(store: ObjectStore, plan: Plan, planMs: number): Promise<void> {
  const { frameJobs, ...rest } = plan;
  const [{ page, workerVersion }] = frameJobs as [Plan['frameJobs'][number]];
  const segments = frameJobs.map(({ range, segmentKey, lookBack }) => ({
    range,
    segmentKey,
    ...(lookBack && { lookBack }),
  }));
  await putJson(store, keys.plan(plan.id), {
    ...rest,
    page,
    workerVersion,
    segments,
    planMs,
    plannedAt: Date.now(),
  } satisfies z.input<typeof planRecordSchema>);
  const items = frameJobs.map(({ index, range }) => ({ index, range }));
  await putJson(store, keys.segmentList(plan.id), items);
}

/** @throws NotFoundError when the render was not planned; ValidationError when another version planned it */
export async function readPlan(store: ObjectStore, id: string): Promise<PlanRecord> {
  const record = planRecordSchema.safeParse(await readJson(store, keys.plan(id)));
  if (!record.success) throw ValidationError.fromZod('plan', record.error);
  const { page, workerVersion, segments, ...rest } = record.data;
  const { composition, encoding } = rest;
  const looks = { segments, durationInFrames: composition.durationInFrames, step: encoding.everyNthFrame };
  return {
    ...rest,
    frameJobs: segments.map((segment, index) => ({
      jobId: id,
      index,
      composition,
      encoding,
      page,
      workerVersion,
      ...segment,
      lookAhead: lookAhead(index, looks),
    })),
  };
}
