import { keys, segmentPictures } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readSegmentRecord } from '../storage/segment-record.ts';
import type { FrameRange } from '../types/render-job.ts';
import { runLimited } from '../utils/run-limited.ts';
import { segmentKey } from './segment-key.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;
const NAME = new RegExp(`^(\\d+)-(\\d+)(?:\\.(${segmentPictures.join('|')}))?\\.(\\w+)$`);

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
    const [, start, end, picture, extension = ''] = NAME.exec(key.slice(prefix.length)) ?? [];
    if (start === undefined || (size === 0 && extension !== 'owned')) continue;
    const name = `${start}-${end}`;
    const segment = found.get(name) ?? { range: [Number(start), Number(end)], parts: new Set() };
    found.set(name, segment);
    segment.parts.add(picture ?? (['json', 'owned'].includes(extension) ? extension : 'video'));
  }
  const whole = [...found.values()].filter(({ parts }) => parts.has('json') && parts.has('video'));
  const mine = await runLimited(whole, MAX_REQUESTS, undefined, async ({ range, parts }) => {
    if (!parts.has('owned')) return true;
    const record = await readSegmentRecord(store, segmentKey(content, range));
    return record !== undefined && (record.owner === null || record.owner === jobId);
  });
  return whole
    .filter((_, place) => mine[place])
    .map(({ range, parts }) => ({ range, sawNext: parts.has('next'), sawPrevious: parts.has('previous') }));
}
