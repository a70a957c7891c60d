import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { keys } from '../storage/keys.ts';
import { localCopy } from '../storage/local-copy.ts';
import type { ByteSpan, ObjectStore } from '../storage/object-store.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { sha256File } from '../utils/digest.ts';
import { NotFoundError, SegmentDamagedError } from '../utils/errors.ts';
import { runLimited } from '../utils/run-limited.ts';
import type { SegmentFile } from './concat.ts';

const MAX_FETCHES = 8;
/** Bytes that changed on the way are right the next time. */
const ATTEMPTS = 2;

/** The segments of a plan, in the order of its frame jobs. */
export interface PlannedSegments {
  readonly plan: Pick<Plan, 'frameJobs'>;
  readonly results: readonly FrameResult[];
  readonly store: ObjectStore;
  readonly signal?: AbortSignal | undefined;
}

/** A segment as it was put into the store; `undefined` when it is gone or damaged. */
async function fetchSegment(
  { videoKey, sha256, frames }: FrameResult,
  store: ObjectStore,
  folder: string,
): Promise<SegmentFile | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const file = await localCopy(store, videoKey, folder).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    if ((await sha256File(file)) === sha256) return { file, frames };
    if (file === store.localPath(videoKey)) return undefined;
    await rm(file);
  }
  return undefined;
}

/** SHA-256 of an object, or of some of its bytes. */
export async function storedDigest(store: ObjectStore, key: string, span?: ByteSpan): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await store.get(key, span)) hash.update(chunk);
  return hash.digest('hex');
}

/** Whether a segment lies in the store as it was put there. */
export async function isSound(store: ObjectStore, { videoKey, sha256 }: FrameResult): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await storedDigest(store, videoKey).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    if (found === undefined || found === sha256) return found === sha256;
  }
  return false;
}

/** Empties the records of damaged segments, so that they are rendered again. @returns what to throw */
export async function refuse(
  segments: PlannedSegments,
  sound: readonly boolean[],
): Promise<SegmentDamagedError> {
  const { plan, results, store, signal } = segments;
  const damaged = results.filter((_, place) => !sound[place]);
  await runLimited(damaged, MAX_FETCHES, signal, ({ segmentKey }) =>
    store.put(keys.segmentRecord(segmentKey), ''),
  );
  const jobs = plan.frameJobs.filter((_, place) => !sound[place]);
  return SegmentDamagedError.of(jobs, store.url);
}

/** Reads all segments. @throws SegmentDamagedError that names all that are gone or damaged, if there are any */
export async function refuseDamaged(segments: PlannedSegments): Promise<void> {
  const { results, store, signal } = segments;
  const sound = await runLimited(results, MAX_FETCHES, signal, (result) => isSound(store, result));
  if (sound.includes(false)) throw await refuse(segments, sound);
}

/** The segments as files of this machine. @throws SegmentDamagedError that names all that are gone or damaged */
export async function fetchSegments(segments: PlannedSegments, folder: string): Promise<SegmentFile[]> {
  const { results, store, signal } = segments;
  const found = await runLimited(results, MAX_FETCHES, signal, (result) =>
    fetchSegment(result, store, folder),
  );
  const sound = found.map((file) => file !== undefined);
  if (sound.includes(false)) throw await refuse(segments, sound);
  return found.filter((file) => file !== undefined);
}
