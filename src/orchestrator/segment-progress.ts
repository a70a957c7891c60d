import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore, putJson } from '../storage/object-store.ts';
import { type SegmentProgress, segmentProgressSchema } from '../types/farm.ts';
import type { PlanRecord } from './plan-record.ts';

/** What was told of a segment since its render was planned. */
export async function readProgress(
  store: ObjectStore,
  { id, plannedAt }: PlanRecord,
  index: number,
): Promise<SegmentProgress | undefined> {
  const told = segmentProgressSchema.safeParse(await findJson(store, keys.progress(id, index))).data;
  return told?.plannedAt === plannedAt ? told : undefined;
}

/** What two calls for a segment come to: it counts as found only when the first one found it. */
function addUp(before: SegmentProgress | undefined, now: SegmentProgress): SegmentProgress {
  if (!before) return now;
  // A retry counts on; a call of its own, for the mend of another segment, begins at 0.
  const attempt = now.attempt > before.attempt ? now.attempt : before.attempt + now.attempt + 1;
  return { ...now, cached: before.cached && now.cached, ms: before.ms + now.ms, attempt };
}

/** Tells of a segment that has ended, on top of what was told of it since its render was planned. */
export async function tellProgress(
  store: ObjectStore,
  plan: PlanRecord,
  told: Omit<SegmentProgress, 'plannedAt'>,
): Promise<void> {
  const before = await readProgress(store, plan, told.index);
  await putJson(
    store,
    keys.progress(plan.id, told.index),
    addUp(before, { ...told, plannedAt: plan.plannedAt }),
  );
}
