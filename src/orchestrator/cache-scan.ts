import { z } from 'zod';
import { blobKey, bundleKey, readBundle } from '../storage/bundle.ts';
import { keys } from '../storage/keys.ts';
import { findJson, type ObjectInfo, type ObjectStore } from '../storage/object-store.ts';
import { audioTrackSchema } from '../types/audio.ts';
import { compositionRefSchema } from '../types/composition.ts';
import { runLimited } from '../utils/run-limited.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;
/** A render that has not ended, and of which nothing was written for so long, counts as dead. */
const DEAD_MS = 24 * 3_600_000;

/** What the store can make again; `renders/` holds outputs and is not among them. */
export const cachePrefixes = ['segments', 'blobs', 'bundles', 'probes'] as const;
export type CachePrefix = (typeof cachePrefixes)[number];

/** Of a plan of any version, what says what it needs. */
const neededSchema = z.object({
  composition: z.object({ ref: compositionRefSchema }),
  segments: z.array(z.object({ segmentKey: z.string() })),
  audioTracks: z.array(audioTrackSchema.pick({ source: true })),
});

export interface CachedRender {
  readonly id: string;
  /** Of its last sign of life. */
  readonly modified: Date;
  /** It has begun, it has not ended, and it did something within a day. */
  readonly running: boolean;
  /** `undefined` while it is being planned, for a page behind an address, and for a plan of another version. */
  readonly bundle: string | undefined;
  /** What its segments' names begin with; `undefined` as for `bundle`. */
  readonly content: string | undefined;
  /** Files beside those of its bundle. */
  readonly blobs: readonly string[];
  readonly planned: boolean;
}

/** Everything in a store, as it was while it was read. */
export interface CacheScan {
  readonly objects: Readonly<Record<CachePrefix, readonly ObjectInfo[]>>;
  /** Below `renders/`: outputs, and what is told of renders. */
  readonly outputs: readonly ObjectInfo[];
  readonly renders: readonly CachedRender[];
  /** SHA-256 of each bundle's files. */
  readonly bundles: ReadonlyMap<string, readonly string[]>;
}

async function listAll(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list(`${prefix}/`)) found.push(info);
  return found;
}

const latest = (times: readonly (Date | undefined)[]): number =>
  Math.max(0, ...times.map((time) => time?.getTime() ?? 0));

/** What a segment's key begins with: its content. */
export const contentOf = (segmentKey: string): string => segmentKey.split('/')[0] as string;

async function readRender(
  store: ObjectStore,
  id: string,
  objects: readonly ObjectInfo[],
  segments: ReadonlyMap<string, number>,
): Promise<CachedRender> {
  const at = (key: string) => objects.find((object) => object.key === key)?.modified;
  const plan = neededSchema.safeParse(await findJson(store, keys.plan(id))).data;
  const content = plan?.segments[0] && contentOf(plan.segments[0].segmentKey);
  const sources = plan?.audioTracks.map(({ source }) => source) ?? [];
  const begun = at(keys.job(id));
  const ended = latest([at(keys.result(id)), at(keys.error(id))]);
  const alive = Math.max(latest(objects.map(({ modified }) => modified)), segments.get(content ?? '') ?? 0);
  return {
    id,
    modified: new Date(latest(objects.map(({ modified }) => modified))),
    running: begun !== undefined && ended < begun.getTime() && Date.now() - alive < DEAD_MS,
    bundle: plan?.composition.ref.kind === 'bundle' ? plan.composition.ref.digest : undefined,
    content,
    blobs: sources.flatMap((source) => (source.kind === 'blob' ? [blobKey(source.sha256)] : [])),
    planned: plan !== undefined && latest([at(keys.plan(id))]) >= (begun?.getTime() ?? 0),
  };
}

/** Lists a store and reads what its renders and bundles say. */
export async function scanCache(store: ObjectStore): Promise<CacheScan> {
  const [segments = [], blobs = [], bundles = [], probes = [], outputs = []] = await Promise.all(
    [...cachePrefixes, 'renders'].map((prefix) => listAll(store, prefix)),
  );
  const newest = new Map<string, number>();
  for (const { key, modified } of segments) {
    const content = contentOf(key.slice('segments/'.length));
    newest.set(content, Math.max(newest.get(content) ?? 0, modified.getTime()));
  }
  const byRender = Map.groupBy(outputs, ({ key }) => key.split('/')[1] as string);
  const renders = await runLimited([...byRender], MAX_REQUESTS, undefined, ([id, objects]) =>
    readRender(store, id, objects, newest),
  );
  const digests = bundles.map(({ key }) => key.slice('bundles/'.length, -'.json'.length));
  const manifests = await runLimited(digests, MAX_REQUESTS, undefined, async (digest) => {
    const files = await readBundle(store, digest).then(
      (manifest) => Object.values(manifest.files).map(({ sha256 }) => blobKey(sha256)),
      () => [],
    );
    return [digest, [...new Set(files)]] as const;
  });
  return { objects: { segments, blobs, bundles, probes }, outputs, renders, bundles: new Map(manifests) };
}

/** Keys that renders at work need, as far as the store tells. */
export function neededKeys({ objects, renders, bundles }: CacheScan): Set<string> {
  const running = renders.filter(({ running }) => running);
  const needed = new Set<string>();
  const keep = (key: string): void => void needed.add(key);
  for (const { bundle, content, blobs } of running) {
    blobs.forEach(keep);
    if (bundle !== undefined) {
      keep(bundleKey(bundle));
      bundles.get(bundle)?.forEach(keep);
    }
    for (const { key } of objects.segments)
      if (content && key.startsWith(keys.segmentsOf(content))) keep(key);
  }
  // A render that is being planned does not say yet what it needs.
  if (running.some(({ planned }) => !planned))
    for (const { key } of [...objects.blobs, ...objects.bundles]) keep(key);
  return needed;
}
