import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import type { FrameResult } from '../../types/frame-job.ts';
import { NotFoundError } from '../../utils/errors.ts';
import { UnknownLayout } from '../../utils/mp4/boxes.ts';
import { type ByteSource, type Movie, readMovie, readMovieLike } from '../../utils/mp4/read-movie.ts';
import { readOnlyTrack } from '../../utils/mp4/read-track.ts';
import { type SegmentTables, segmentTables } from '../../utils/mp4/segment-tables.ts';
import { readWhole } from '../../utils/read-whole.ts';
import { isSound } from '../fetch-segments.ts';

/** What is known of an object before it is read. */
export type KnownObject = Omit<ObjectInfo, 'modified'>;

/** A segment in the store whose tables are known. */
export interface OpenSegment {
  readonly result: FrameResult;
  /** With the version that the tables are of, where the store was asked for it. */
  readonly object: KnownObject;
  readonly movie: Movie;
  readonly tables: SegmentTables;
}

/** An object, or one version of it, as bytes that can be read at any place. */
export function storedSource(store: ObjectStore, { key, size, version }: KnownObject): ByteSource {
  return {
    size,
    read: async (start, length) => readWhole(await store.get(key, { start, end: start + length, version })),
  };
}

export interface OpenOptions {
  /** The ticks that a frame lasts, by ticks a second. */
  readonly ticksOf: (timescale: number) => number;
  /** Whether the store may copy it unread; it is then held to one version of the object. */
  readonly copied: boolean;
  /** Of another segment, that this one is likely to resemble. */
  readonly like?: Movie | undefined;
}

/**
 * Reads the tables of a segment.
 * @returns `undefined` when the segment is gone or damaged
 * @throws UnknownLayout when it is as it was put, and yet not understood
 */
export async function openSegment(
  store: ObjectStore,
  result: FrameResult,
  { ticksOf, copied, like }: OpenOptions,
): Promise<OpenSegment | undefined> {
  for (let attempt = 1; ; attempt++) {
    const { videoKey: key, bytes: size } = result;
    const object = copied ? await store.head(key) : { key, size };
    if (object?.size !== size) return undefined;
    try {
      const source = storedSource(store, object);
      const movie = like && attempt === 1 ? await readMovieLike(source, like) : await readMovie(source);
      const track = readOnlyTrack(movie.moov);
      const tables = segmentTables(track, ticksOf(track.timescale), movie.media);
      if (tables.sizes.length !== result.frames) throw new UnknownLayout('another number of frames');
      return { result, object, movie, tables };
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      if (!(error instanceof UnknownLayout)) throw error;
      if (!(await isSound(store, result))) return undefined;
      // The tables may have changed on the way, or the layout be another one.
      if (attempt > 1) throw error;
    }
  }
}
