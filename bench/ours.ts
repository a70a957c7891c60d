import { segmentKey } from '../src/orchestrator/segment-key.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import { encodingSchema } from '../src/types/encoding.ts';
import { type FrameJob, frameJobSchema } from '../src/types/frame-job.ts';
import { sha256 } from '../src/utils/digest.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { workerVersion } from '../src/worker/worker-version.ts';
import { withPeakMemory } from './memory.ts';
import { compositionOf, type Subject } from './prepare.ts';

export interface Measurement {
  /** From the first frame to the closed segment. */
  readonly framesPerSecond: number;
  /** From nothing to the first picture, in ms. */
  readonly firstFrameMs: number;
  readonly peakBytes: number;
}

/** Renders one segment with one worker that has no browser yet. */
export async function measureOurs(subject: Subject): Promise<Measurement> {
  await using folder = await createWorkFolder('bench');
  const store = new LocalStore(folder.path);
  const job: FrameJob = frameJobSchema.parse({
    jobId: 'bench',
    index: 0,
    composition: await compositionOf(subject, store),
    range: [0, subject.frames],
    encoding: encodingSchema.parse({}),
    page: { seekMode: 'seek' },
    segmentKey: segmentKey(sha256('bench'), [0, subject.frames]),
    workerVersion: await workerVersion(),
  });
  await using worker = new ChromiumFrameWorker(store);
  const { value, peakBytes } = await withPeakMemory(() => worker.renderFrame(job));
  const { browser, load, firstFrame, frames } = value.timings;
  return {
    framesPerSecond: value.frames / (frames / 1000),
    firstFrameMs: browser + load + firstFrame,
    peakBytes,
  };
}
