import { keepAlive } from '../storage/keep-alive.ts';
import { keys } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { readSegmentRecord } from '../storage/segment-record.ts';
import { type FrameJob, type FrameResult, ownSegmentKey, type SegmentRecord } from '../types/frame-job.ts';
import { sha256File } from '../utils/digest.ts';

/** Whether a segment sees what a job needs of its neighbours. */
function serves(record: SegmentRecord, { lookAhead, lookBack }: FrameJob): boolean {
  if (lookAhead === 'needed' && record.nextPicture === null) return false;
  return !lookBack || record.previousPicture !== null;
}

/** Whether a record is whole, and its video there as it tells. */
async function isSound(store: ObjectStore, record: SegmentRecord): Promise<boolean> {
  const { segmentKey, videoKey, frames, frameDigests, bytes, sha256 } = record;
  if (frames !== frameDigests.length || !videoKey.startsWith(`segments/${segmentKey}.`)) return false;
  if ((await store.head(videoKey))?.size !== bytes) return false;
  // Stores in the cloud check what they keep; a disk does not.
  const file = store.localPath(videoKey);
  return file === undefined || (await sha256File(file)) === sha256;
}

/** The record of a frame job's segment, anyone's or the job's own. A damaged one counts as none. */
export async function findSegmentRecord(
  store: ObjectStore,
  job: FrameJob,
): Promise<SegmentRecord | undefined> {
  for (const key of [job.segmentKey, ownSegmentKey(job)]) {
    const record = await readSegmentRecord(store, key);
    if (record && serves(record, job) && (await isSound(store, record))) return record;
  }
  return undefined;
}

/** The result of a frame job whose segment the store has. A damaged one counts as none: it is rendered again. */
export async function findSegment(store: ObjectStore, job: FrameJob): Promise<FrameResult | undefined> {
  const record = await findSegmentRecord(store, job);
  if (!record) return undefined;
  const { frameDigests: _, ...result } = record;
  return { ...result, index: job.index, cached: true };
}

/** Keeps a segment and all that lies beside it from expiring. */
export async function keepSegmentAlive(store: ObjectStore, segment: FrameResult): Promise<void> {
  const { segmentKey, videoKey, previousPicture, firstPicture, lastPicture, nextPicture } = segment;
  const video = await store.head(videoKey);
  const pictures = [previousPicture, firstPicture, lastPicture, nextPicture].filter((kept) => kept !== null);
  const others = [keys.segmentRecord(segmentKey), ...pictures.map(({ key }) => key)];
  if (video) await keepAlive(store, video, ...others);
}
