import { afterAll, beforeAll, expect, test } from 'vitest';
import { storedSegments } from '../../src/orchestrator/stored-segments.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { writeSegmentRecord } from '../../src/storage/segment-record.ts';
import type { FrameJob, FrameResult } from '../../src/types/frame-job.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { findSegment } from '../../src/worker/find-segment.ts';

const content = 'c'.repeat(64);
const job = { jobId: 'mine', segmentKey: `${content}/0-2`, index: 3, lookAhead: 'none' } as FrameJob;
let folder: WorkFolder;
let store: LocalStore;
beforeAll(async () => {
  folder = await createWorkFolder('find-segment');
  store = new LocalStore(folder.path);
});
afterAll(() => folder[Symbol.asyncDispose]());

async function putSegment(segmentKey: string, video: string, told = video): Promise<FrameResult> {
  const digest = sha256(told);
  const videoKey = keys.segmentVideo(segmentKey, digest, 'mp4');
  await store.put(videoKey, video);
  const picture = { digest, sha256: digest, key: keys.segmentPicture(segmentKey, 'first', digest) };
  await store.put(picture.key, 'a picture');
  const part = {
    browser: 1,
    load: 1,
    firstFrame: 1,
    seek: 1,
    capture: 1,
    seams: 1,
    encodeWait: 1,
    frames: 1,
  };
  const result: FrameResult = {
    ...{ index: 0, segmentKey, videoKey, sha256: digest, bytes: told.length, frames: 2, cached: false },
    ...{ captured: 2, firstPicture: picture, nextPicture: null, lastPicture: null, previousPicture: null },
    ...{ captureMode: 'framebuffer', warnings: [], timings: { ...part, total: 1 }, workerVersion: 'v' },
  };
  await writeSegmentRecord(store, { ...result, frameDigests: [digest, digest] });
  return result;
}

test('a damaged segment of all does not hide the sound one of the job', async () => {
  expect(await findSegment(store, job)).toBeUndefined();
  const own = await putSegment(`${job.segmentKey}_mine`, 'its own');
  await putSegment(`${job.segmentKey}_other`, 'of another');
  const found = { ...own, index: 3, cached: true };
  expect(await findSegment(store, job)).toEqual(found);
  for (const [video, told] of [
    ['cut off', 'cut off here'],
    ['other bytes', 'these bytes'],
  ]) {
    await putSegment(job.segmentKey, video as string, told);
    expect(await findSegment(store, job)).toEqual(found);
  }
  const shared = await putSegment(job.segmentKey, 'for all');
  expect(await findSegment(store, job)).toEqual({ ...shared, index: 3, cached: true });
});

test('parts of two segments of one range are not taken for a whole one', async () => {
  const listed = () => storedSegments(store, content, 'mine');
  const range = { range: [0, 2], sawNext: false, sawPrevious: false };
  expect(await listed()).toEqual([range]);
  await store.put(keys.segmentRecord(`${job.segmentKey}_mine`), '');
  expect(await listed()).toEqual([range]);
  for await (const { key } of store.list(`segments/${job.segmentKey}.`))
    if (key.endsWith('.mp4')) await store.delete(key);
  expect(await listed()).toEqual([]);
});
