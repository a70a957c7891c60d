import { keys } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Plan } from '../types/plan.ts';
import type { Spending } from './budget.ts';

const STARTED = /\/(\d+)-\d+\.started$/;
const ENDED = /\/(\d+)(?:\.error)?\.json$/;

interface Marks {
  readonly starts: number[];
  readonly ends: number[];
}

/** Says that an attempt at a segment begins, for the sum of what a render has spent. */
export async function markStart(
  store: ObjectStore,
  id: string,
  index: number,
  attempt: number,
): Promise<void> {
  await store.put(keys.segmentStart(id, index, attempt), '');
}

/**
 * Milliseconds that a render's attempts at segments have taken together, those at work included; by the store's
 * clock, so to a second each. Lists the render's progress and reads nothing of it.
 * @param since what was written before belongs to an earlier execution; milliseconds of the epoch
 */
export async function spentMs(store: ObjectStore, id: string, since: number): Promise<number> {
  const segments = new Map<string, Marks>();
  // S3 tells whole seconds.
  const from = Math.floor(since / 1000) * 1000;
  for await (const { key, modified } of store.list(keys.progressOf(id))) {
    const at = modified.getTime();
    const started = STARTED.exec(key)?.[1];
    const index = started ?? ENDED.exec(key)?.[1];
    if (index === undefined || at < from) continue;
    const marks = segments.get(index) ?? { starts: [], ends: [] };
    segments.set(index, marks);
    marks[started === undefined ? 'ends' : 'starts'].push(at);
  }
  const now = Date.now();
  let sum = 0;
  for (const { starts, ends } of segments.values()) {
    starts.sort((a, b) => a - b);
    for (const [attempt, start] of starts.entries()) {
      const next = starts[attempt + 1] ?? now;
      sum += Math.max(0, Math.min(next, ...ends.filter((end) => end >= start)) - start);
    }
  }
  return sum;
}

/** How to sum up what a plan's segments have spent, when its budget asks for it. */
export function spendingOf(store: ObjectStore, plan: Plan | undefined): Spending | undefined {
  const { id, budget, maxParallel } = plan ?? {};
  if (id === undefined || maxParallel === undefined || budget?.renderMs === undefined) return undefined;
  return { parallel: maxParallel, spentMs: () => spentMs(store, id, budget.since) };
}
