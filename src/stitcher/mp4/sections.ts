import { createHash } from 'node:crypto';
import type { ObjectInfo, ObjectStore, Section, StoredSpan } from '../../storage/object-store.ts';
import { StorageError } from '../../utils/errors.ts';
import type { Group } from '../../utils/mp4/write-header.ts';
import { readWhole } from '../../utils/read-whole.ts';
import { storedDigest } from '../fetch-segments.ts';
import type { KnownObject, OpenSegment } from './open-segment.ts';

/** A segment whose bytes were others than its record says, when they came. */
export class ChangedBytes extends StorageError {
  static of({ key }: KnownObject, { url }: ObjectStore): ChangedBytes {
    const message = `${key} of the store came with other bytes than were put there (${url}).`;
    return new ChangedBytes(message, { details: { key, store: url } });
  }
}

/** Longer segments are not held in memory. */
const MAX_HELD_BYTES = 16 * 1024 ** 2;

const whole = ({ size, version }: KnownObject) => ({ start: 0, end: size, version });

/** The whole file of a segment. @throws ChangedBytes at its end when it is another, or its tables were read otherwise */
async function* readChecked(store: ObjectStore, segment: OpenSegment): AsyncGenerator<Buffer> {
  const { object, result, movie } = segment;
  const tables = movie.moovAt.end - movie.moov.length;
  const hash = createHash('sha256');
  let [at, sameTables] = [0, true];
  for await (const chunk of await store.get(object.key, whole(object))) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    const start = Math.max(tables, at);
    const end = Math.min(movie.moovAt.end, at + bytes.length);
    if (start < end)
      sameTables &&= bytes
        .subarray(start - at, end - at)
        .equals(movie.moov.subarray(start - tables, end - tables));
    at += bytes.length;
    yield bytes;
  }
  if (hash.digest('hex') !== result.sha256 || !sameTables) throw ChangedBytes.of(object, store);
}

/** As `readChecked`, all before the first byte, and twice if need be: what changed on the way is right the next time. */
async function* readHeld(store: ObjectStore, segment: OpenSegment): AsyncGenerator<Buffer> {
  const read = async (): Promise<Buffer[]> => {
    const chunks: Buffer[] = [];
    for await (const chunk of readChecked(store, segment)) chunks.push(chunk);
    return chunks;
  };
  yield* await read().catch((error: unknown) => {
    if (error instanceof ChangedBytes) return read();
    throw error;
  });
}

interface SegmentSectionOptions {
  readonly store: ObjectStore;
  readonly segment: OpenSegment;
  /** Those of the segment, in order; there is at least one. */
  readonly groups: readonly Group[];
  /** The sound's object. */
  readonly sound: ObjectInfo | undefined;
}

/** The groups of a segment, one after the other, cut from the stream of its file. */
async function* cutGroups({ store, segment, groups, sound }: SegmentSectionOptions): AsyncGenerator<Buffer> {
  const [soundStart, soundEnd] = [groups[0]?.sound.start ?? 0, groups.at(-1)?.sound.end ?? 0];
  const heard = sound
    ? await readWhole(await store.get(sound.key, { ...whole(sound), start: soundStart, end: soundEnd }))
    : Buffer.alloc(0);
  const read = segment.object.size > MAX_HELD_BYTES ? readChecked : readHeld;
  let [at, next] = [0, 0];
  for await (const bytes of read(store, segment)) {
    const end = at + bytes.length;
    for (let group = groups[next]; group && group.video.start < end; group = groups[next]) {
      const { video } = group;
      if (video.start >= at)
        yield heard.subarray(group.sound.start - soundStart, group.sound.end - soundStart);
      yield bytes.subarray(Math.max(0, video.start - at), video.end - at);
      if (video.end > end) break;
      next++;
    }
    at = end;
  }
}

/** Where the groups of a segment lie in the store; neighbours are one. */
function spansOf({ segment, groups, sound }: SegmentSectionOptions): StoredSpan[] {
  const spans: StoredSpan[] = [];
  const add = ({ key, version }: KnownObject, { start, end }: { start: number; end: number }): void => {
    const last = spans.at(-1);
    if (last?.key === key && last.end === start) spans[spans.length - 1] = { ...last, end };
    else if (start < end) spans.push({ key, start, end, version });
  };
  for (const group of groups) {
    if (sound) add(sound, group.sound);
    add(segment.object, group.video);
  }
  return spans;
}

/** Whether the store's object is the segment of the record: by the store's own digest, or by reading it. */
async function isRecorded(store: ObjectStore, { object, result }: OpenSegment): Promise<boolean> {
  const found = object.sha256 ?? (await storedDigest(store, object.key, whole(object)));
  return found === result.sha256;
}

/**
 * A segment's stretch of the output.
 * @param copied whether the store is to copy it from where it lies; the segment is then checked now
 * @throws ChangedBytes
 */
export async function segmentSection(options: SegmentSectionOptions, copied: boolean): Promise<Section> {
  const { store, segment, groups } = options;
  if (copied && !(await isRecorded(store, segment))) throw ChangedBytes.of(segment.object, store);
  const length = groups.reduce(
    (bytes, { video, sound }) => bytes + video.end - video.start + sound.end - sound.start,
    0,
  );
  return { length, open: () => cutGroups(options), stored: copied ? spansOf(options) : undefined };
}
