import { bundleKey } from '../storage/bundle.ts';
import { keys } from '../storage/keys.ts';
import type { ObjectInfo } from '../storage/object-store.ts';
import { type CachePrefix, type CacheScan, cachePrefixes, contentOf } from './cache-scan.ts';

/** Objects and their bytes. */
export interface Amount {
  readonly objects: number;
  readonly bytes: number;
}

/** The segments of one look: a composition with its props, size, fps, encoding and worker version. */
export interface CachedContent {
  readonly content: string;
  readonly segments: number;
  readonly bytes: number;
  /** ISO 8601; when the segment was put or found that was so longest ago, and last. */
  readonly oldest: string;
  readonly newest: string;
  /** Digest of the composition; `null` when no render is left that tells it, and for a page behind an address. */
  readonly bundle: string | null;
  /** Ids of the renders that are made of it. */
  readonly renders: readonly string[];
}

export interface CachedBundle {
  readonly bundle: string;
  readonly files: number;
  /** Of its files; those that other bundles have, too, count in each. */
  readonly bytes: number;
  readonly modified: string;
  readonly renders: readonly string[];
}

export function amountOf(objects: readonly ObjectInfo[]): Amount {
  return { objects: objects.length, bytes: objects.reduce((sum, { size }) => sum + size, 0) };
}

/** What each part of a store takes; `renders` are outputs and what is told of renders. */
export function cacheSize({
  objects,
  outputs,
}: CacheScan): Readonly<Record<CachePrefix | 'renders' | 'total', Amount>> {
  const parts = Object.fromEntries(cachePrefixes.map((prefix) => [prefix, amountOf(objects[prefix])]));
  const all = [...cachePrefixes.flatMap((prefix) => objects[prefix]), ...outputs];
  return { ...(parts as Record<CachePrefix, Amount>), renders: amountOf(outputs), total: amountOf(all) };
}

/** What a store has, by content and by bundle; the most lately used first. */
export function listCache({ objects, renders, bundles }: CacheScan): {
  readonly contents: readonly CachedContent[];
  readonly bundles: readonly CachedBundle[];
} {
  const prefix = keys.segmentsOf('').slice(0, -1);
  const grouped = Map.groupBy(objects.segments, ({ key }) => contentOf(key.slice(prefix.length)));
  const contents = [...grouped].map(([content, files]): CachedContent => {
    const times = files.map(({ modified }) => modified.getTime());
    const users = renders.filter((render) => render.content === content);
    return {
      content,
      segments: files.filter(({ key }) => key.endsWith('.json')).length,
      bytes: amountOf(files).bytes,
      oldest: new Date(Math.min(...times)).toISOString(),
      newest: new Date(Math.max(...times)).toISOString(),
      bundle: users.find(({ bundle }) => bundle !== undefined)?.bundle ?? null,
      renders: users.map(({ id }) => id),
    };
  });
  const sizes = new Map(objects.blobs.map(({ key, size }) => [key, size]));
  const times = new Map(objects.bundles.map(({ key, modified }) => [key, modified]));
  const stored = [...bundles].map(
    ([bundle, files]): CachedBundle => ({
      bundle,
      files: files.length,
      bytes: files.reduce((sum, key) => sum + (sizes.get(key) ?? 0), 0),
      modified: (times.get(bundleKey(bundle)) as Date).toISOString(),
      renders: renders.filter((render) => render.bundle === bundle).map(({ id }) => id),
    }),
  );
  return {
    contents: contents.sort((a, b) => b.newest.localeCompare(a.newest)),
    bundles: stored.sort((a, b) => b.modified.localeCompare(a.modified)),
  };
}
