import { parseSegmentName } from '../storage/keys.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { runLimited } from '../utils/run-limited.ts';
import { type Amount, amountOf } from './cache-list.ts';
import { cachePrefixes, neededKeys, scanCache } from './cache-scan.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;

/** What is to go; all that are given count. */
export interface PruneLimits {
  /** What was neither put nor found for so many milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** As much as it takes to keep so many bytes, the longest unused first; outputs don't count. */
  readonly maxBytes?: number | undefined;
  /** Everything. @default false */
  readonly all?: boolean | undefined;
}

export interface Pruned {
  readonly deleted: Amount;
  readonly kept: Amount;
  /** Of what was kept, what renders at work need. */
  readonly needed: Amount;
}

/** Objects that go together: a segment's video, its record and its pictures. */
interface Unit {
  readonly objects: readonly ObjectInfo[];
  readonly bytes: number;
  readonly used: number;
}

function unitsOf(objects: readonly ObjectInfo[]): Unit[] {
  const groups = Map.groupBy(objects, ({ key }) => {
    const [prefix, content, name = ''] = key.split('/');
    const segment = prefix === 'segments' ? parseSegmentName(name)?.segment : undefined;
    return segment === undefined ? key : `${content}/${segment}`;
  });
  return [...groups.values()].map((members) => ({
    objects: members,
    bytes: amountOf(members).bytes,
    used: Math.max(...members.map(({ modified }) => modified.getTime())),
  }));
}

function choose(units: readonly Unit[], { olderThanMs, maxBytes, all }: PruneLimits): Set<Unit> {
  const now = Date.now();
  const chosen = new Set(
    units.filter(({ used }) => all || (olderThanMs !== undefined && now - used > olderThanMs)),
  );
  if (maxBytes === undefined) return chosen;
  const left = units.filter((unit) => !chosen.has(unit)).sort((a, b) => a.used - b.used);
  let bytes = left.reduce((sum, unit) => sum + unit.bytes, 0);
  for (const unit of left) {
    if (bytes <= maxBytes) break;
    chosen.add(unit);
    bytes -= unit.bytes;
  }
  return chosen;
}

/**
 * Deletes from a store what can be made again: segments, compositions' files, measurements. Outputs are left, and so
 * is what renders at work need, as far as the store tells. A render that misses something all the same renders its
 * segment again, or says what is gone.
 */
export async function pruneCache(store: ObjectStore, limits: PruneLimits): Promise<Pruned> {
  const scan = await scanCache(store);
  const needed = neededKeys(scan);
  const objects = cachePrefixes.flatMap((prefix) => scan.objects[prefix]);
  const isNeeded = ({ key }: ObjectInfo): boolean => needed.has(key);
  const { maxBytes } = limits;
  const kept = amountOf(objects.filter(isNeeded));
  const room = maxBytes === undefined ? undefined : Math.max(0, maxBytes - kept.bytes);
  const chosen = choose(unitsOf(objects.filter((object) => !isNeeded(object))), {
    ...limits,
    maxBytes: room,
  });
  const doomed = [...chosen].flatMap((unit) => unit.objects);
  await runLimited(doomed, MAX_REQUESTS, undefined, ({ key }) => store.delete(key));
  const deleted = amountOf(doomed);
  const all = amountOf(objects);
  return {
    deleted,
    kept: { objects: all.objects - deleted.objects, bytes: all.bytes - deleted.bytes },
    needed: kept,
  };
}
