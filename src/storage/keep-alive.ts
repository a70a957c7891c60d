import type { ObjectInfo, ObjectStore } from './object-store.ts';

const DAY_MS = 86_400_000;

/**
 * Keeps an object that is in use from expiring, and those that belong to it, at most once a day: a bucket's lifecycle
 * and `cache prune` go by the time since it was put.
 */
export async function keepAlive(
  store: ObjectStore,
  { key, modified }: ObjectInfo,
  ...others: readonly string[]
): Promise<void> {
  if (Date.now() - modified.getTime() < DAY_MS) return;
  for (const old of [key, ...others]) await store.touch(old);
}
