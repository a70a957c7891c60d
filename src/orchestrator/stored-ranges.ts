import { keys } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { FrameRange } from '../types/render-job.ts';

const NAME = /^(\d+)-(\d+)\.(\w+)$/;

/**
 * The frames of a content's segments in the store: those of which both the video and its record are there. Whether
 * they are sound is looked at by the worker that would have to render them.
 */
export async function storedRanges(store: ObjectStore, content: string): Promise<FrameRange[]> {
  const prefix = keys.segmentsOf(content);
  const found = new Map<string, { readonly range: FrameRange; record: boolean; video: boolean }>();
  for await (const { key, size } of store.list(prefix)) {
    const [, start, end, extension] = NAME.exec(key.slice(prefix.length)) ?? [];
    if (start === undefined || size === 0) continue;
    const name = `${start}-${end}`;
    const segment = found.get(name) ?? { range: [Number(start), Number(end)], record: false, video: false };
    segment[extension === 'json' ? 'record' : 'video'] = true;
    found.set(name, segment);
  }
  return [...found.values()].filter(({ record, video }) => record && video).map(({ range }) => range);
}
