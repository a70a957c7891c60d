import { availableParallelism } from 'node:os';
import type { ObjectStore } from '../storage/object-store.ts';
import { findJson, putJson } from '../storage/object-store.ts';
import type { AudioTrack } from '../types/audio.ts';
import { audioCodecOf, captureScale, outputFrames } from '../types/codecs.ts';
import type { CompositionRef, ResolvedComposition } from '../types/composition.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { FrameRange, PageOptions, RenderJob } from '../types/render-job.ts';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { type AudioError, FrameRangeError } from '../utils/errors.ts';
import type { Browser } from '../worker/browser.ts';
import type { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { PageSession } from '../worker/page-session.ts';
import { workerVersion } from '../worker/worker-version.ts';
import { scanAudio } from './audio-scan.ts';
import { audioTracks } from './audio-tracks.ts';
import { checkEncoding, checkSize } from './check-encoding.ts';
import { browserKindOf, type Probe, probeComposition, type SeekTrial, trySeeking } from './probe.ts';
import { segmentKey } from './segment-key.ts';
import { cutAtMultiples, cutEvenly, segmentLength } from './segment-ranges.ts';

export interface PlanOptions {
  /** Where the composition is. */
  readonly ref: CompositionRef;
  readonly worker: ChromiumFrameWorker;
  /** Frame jobs that the adapter can carry at the same time. */
  readonly capacity: number;
  readonly signal?: AbortSignal | undefined;
}

function checkRange(range: FrameRange | undefined, composition: ResolvedComposition): FrameRange {
  const { durationInFrames } = composition;
  const [start, end] = range ?? [0, durationInFrames];
  if (end > durationInFrames) {
    throw new FrameRangeError(
      `Frames ${start}–${end - 1} were asked for, and the composition has frames 0–${durationInFrames - 1}.`,
      { details: { range: [start, end], durationInFrames } },
    );
  }
  return [start, end];
}

/** Remembers in the store what was measured of a bundle, so that planning it again is quick and comes out the same. */
async function remember<T>(
  store: ObjectStore,
  ref: CompositionRef,
  question: unknown,
  find: () => Promise<T>,
): Promise<T> {
  if (ref.kind === 'url') return find();
  const key = `probes/${sha256(canonicalJson({ question, worker: await workerVersion() }))}.json`;
  const known = await findJson(store, key);
  if (known !== undefined) return known as T;
  const found = await find();
  await putJson(store, key, found);
  return found;
}

function cut(job: RenderJob, range: FrameRange, trial: SeekTrial): FrameRange[] {
  const { segments, targetSegmentSeconds = availableParallelism() > 4 ? 8 : 20 } = job.chunking;
  const step = job.encoding.everyNthFrame;
  if (segments !== undefined) return cutEvenly(range, segments, step);
  if (trial.seekMode === 'replay') return [range];
  return cutAtMultiples(range, segmentLength(trial.msPerFrame, targetSegmentSeconds * 1000), step);
}

interface Sounds {
  readonly tracks: AudioTrack[];
  readonly warnings: string[];
}

async function findSounds(
  browser: Browser,
  composition: ResolvedComposition,
  range: FrameRange,
  page: PageOptions,
  store: ObjectStore,
): Promise<Sounds> {
  const runs = await scanAudio(browser, composition, range, page);
  const warnings: string[] = [];
  const onMissing = (error: AudioError) => {
    if (page.onAssetError === 'fail') throw error;
    warnings.push(error.message);
  };
  await using session = await PageSession.open(browser, { composition, page, scale: 1, transparent: false });
  // Awaited here: the session ends with this block.
  const tracks = await audioTracks(runs, composition, store, session, onMissing);
  return { tracks, warnings };
}

/**
 * Turns a job into its plan: loads the composition, decides what is open, measures sample frames, finds the
 * sounds and cuts the segments.
 * @throws ValidationError, CompositionMetadataError, FrameRangeError, and what a frame job may throw
 */
export async function planJob(job: RenderJob, { ref, worker, capacity, signal }: PlanOptions): Promise<Plan> {
  const { encoding, page } = job;
  checkEncoding(encoding, job.outputPath);
  const { store } = worker;
  const version = await workerVersion();
  const inBrowser = <T>(work: Parameters<typeof worker.withBrowser<T>>[3]) =>
    worker.withBrowser(ref, browserKindOf(page, captureScale(encoding)), signal, work);

  const { outputPath: _, id: __, chunking: ___, budget: ____, ...asked } = job;
  const { composition, warnings } = await remember<Probe>(
    store,
    ref,
    { ref, spec: { ...job.composition, source: '' }, onAssetError: page.onAssetError },
    () => inBrowser((browser) => probeComposition(browser, job.composition, ref, page)),
  );
  checkSize(composition, encoding);
  const range = checkRange(job.frameRange, composition);
  const trial = await remember<SeekTrial>(
    store,
    ref,
    { ref, look: { ...asked, frameRange: range, composition: { ...composition, durationInFrames: 0 } } },
    () => inBrowser((browser) => trySeeking(browser, composition, range, encoding, page)),
  );
  const question = { ref, composition, end: range[1], onAssetError: page.onAssetError };
  const sounds =
    audioCodecOf(encoding) === 'none'
      ? { tracks: [], warnings: [] }
      : await remember<Sounds>(store, ref, question, () =>
          inBrowser((browser) => findSounds(browser, composition, range, page, store)),
        );

  const frameJobs = cut(job, range, trial).map((part, index): FrameJob => {
    const frameJob = {
      jobId: job.id,
      index,
      composition,
      range: part,
      encoding,
      page: { ...page, seekMode: trial.seekMode },
      workerVersion: version,
    };
    return { ...frameJob, segmentKey: segmentKey(frameJob) };
  });
  const frames = outputFrames(range, encoding);
  const maxParallel = Math.min(job.chunking.maxParallel ?? capacity, frameJobs.length);
  const workMs = frames * trial.msPerFrame;
  return {
    id: job.id,
    composition,
    frameRange: range,
    encoding,
    frames,
    seekMode: trial.seekMode,
    maxParallel,
    frameJobs,
    audioTracks: sounds.tracks,
    estimate: { msPerFrame: trial.msPerFrame, workMs, wallMs: workMs / maxParallel },
    warnings: [...warnings, ...sounds.warnings],
  };
}
