import { keys, segmentPictures } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { FrameRange } from '../types/render-job.ts';

const NAME = new RegExp(
  `^(\\d+)-(\\d+)(?:_([\\w-]+))?(?:\\.(${segmentPictures.join('|')}))?(?:\\.[0-9a-f]{16})?\\.(\\w+)$`,
);

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
    const [, start, end, owner, picture, extension = ''] = NAME.exec(key.slice(prefix.length)) ?? [];
    if (start === undefined || size === 0 || (owner !== undefined && owner !== jobId)) continue;
    const name = `${start}-${end}`;
    const segment = found.get(name) ?? { range: [Number(start), Number(end)], parts: new Set() };
    found.set(name, segment);
    segment.parts.add(picture ?? (extension === 'json' ? 'json' : 'video'));
  }
  return [...found.values()]
    .filter(({ parts }) => parts.has('json') && parts.has('video'))
    .map(({ range, parts }) => ({ range, sawNext: parts.has('next'), sawPrevious: parts.has('previous') }));
}
