import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import type { FrameResult } from '../../types/frame-job.ts';
import { readWhole } from '../../utils/read-whole.ts';
import { isSound } from '../fetch-segments.ts';
import { UnknownLayout } from './boxes.ts';
import { type ByteSource, type Movie, readMovie } from './read-movie.ts';
import { readOnlyTrack } from './read-track.ts';
import { type SegmentTables, segmentTables } from './segment-tables.ts';

/** A segment in the store whose tables are known. */
export interface OpenSegment {
  readonly result: FrameResult;
  /** The version that the tables are of. */
  readonly object: ObjectInfo;
  readonly movie: Movie;
  readonly tables: SegmentTables;
}

/** One version of an object as bytes that can be read at any place. */
export function storedSource(store: ObjectStore, { key, size, version }: ObjectInfo): ByteSource {
  return {
    size,
    read: async (start, length) => readWhole(await store.get(key, { start, end: start + length, version })),
  };
}

/**
 * Reads the tables of a segment.
 * @param ticksOf a frame, by ticks a second
 * @returns `undefined` when the segment is gone or damaged
 * @throws UnknownLayout when it is as it was put, and yet not understood
 */
export async function openSegment(
  store: ObjectStore,
  result: FrameResult,
  ticksOf: (timescale: number) => number,
): Promise<OpenSegment | undefined> {
  for (let attempt = 1; ; attempt++) {
    const object = await store.head(result.videoKey);
    if (object?.size !== result.bytes) return undefined;
    try {
      const movie = await readMovie(storedSource(store, object));
      const track = readOnlyTrack(movie.moov);
      const tables = segmentTables(track, ticksOf(track.timescale), movie.media);
      if (tables.sizes.length !== result.frames) throw new UnknownLayout('another number of frames');
      return { result, object, movie, tables };
    } catch (error) {
      if (!(error instanceof UnknownLayout)) throw error;
      if (!(await isSound(store, result))) return undefined;
      // The tables may have changed on the way.
      if (attempt > 1) throw error;
    }
  }
}
