import { keys, parseSegmentName } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { FrameRange } from '../types/render-job.ts';

/** A segment in the store, and what it saw of its neighbours. */
export interface StoredSegment {
  readonly range: FrameRange;
  readonly sawNext: boolean;
  readonly sawPrevious: boolean;
}

/**
 * A content's segments in the store that a job may have: those of which both the video and its record are there.
 * Whether they are sound is looked at by the worker that would have to render them.
 */
export async function storedSegments(
  store: ObjectStore,
  content: string,
  jobId: string,
): Promise<StoredSegment[]> {
  const prefix = keys.segmentsOf(content);
  const found = new Map<string, { readonly range: FrameRange; readonly parts: Set<string> }>();
  for await (const { key, size } of store.list(prefix)) {
    const name = parseSegmentName(key.slice(prefix.length));
    if (!name || size === 0 || (name.owner !== undefined && name.owner !== jobId)) continue;
    const segment = found.get(name.segment) ?? { range: [...name.range] as FrameRange, parts: new Set() };
    found.set(name.segment, segment);
    segment.parts.add(name.part);
  }
  const whole = [...found.values()].filter(({ parts }) => parts.has('record') && parts.has('video'));
  return [...Map.groupBy(whole, ({ range }) => range.join()).values()].map((those) => ({
    range: (those[0] as (typeof those)[0]).range,
    sawNext: those.some(({ parts }) => parts.has('next')),
    sawPrevious: those.some(({ parts }) => parts.has('previous')),
  }));
}
