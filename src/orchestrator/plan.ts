import { blobKey } from '../storage/bundle.ts';
import { keepAlive } from '../storage/keep-alive.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { AudioTrack } from '../types/audio.ts';
import { audioCodecOf, outputFrames, pictureSize } from '../types/codecs.ts';
import {
  type CompositionRef,
  type ResolvedComposition,
  resolvedCompositionSchema,
} from '../types/composition.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { FrameRange, PageOptions, RenderJob } from '../types/render-job.ts';
import { type AudioError, FrameRangeError } from '../utils/errors.ts';
import type { Browser } from '../worker/browser.ts';
import { browserFor } from '../worker/camera.ts';
import type { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { workerVersion } from '../worker/worker-version.ts';
import { scanAudio } from './audio-scan.ts';
import { audioTracks } from './audio-tracks.ts';
import { checkEncoding, checkSize } from './check-encoding.ts';
import { cutRange } from './cut-range.ts';
import { lookAhead } from './look-ahead.ts';
import { type Lend, lookAtPage, type Wanted } from './look-at-page.ts';
import { maySound } from './may-sound.ts';
import { guessOf, openProbed, type Probe } from './probe.ts';
import { memory } from './remember.ts';
import { contentDigest, segmentKey } from './segment-key.ts';
import { estimateWork } from './segment-work.ts';
import { type StoredSegment, storedSegments } from './stored-segments.ts';
import type { SeekTrial } from './try-seeking.ts';

export interface PlanOptions {
  /** Where the composition is. */
  readonly ref: CompositionRef;
  readonly worker: ChromiumFrameWorker;
  /** Frame jobs that the adapter can carry at the same time. */
  readonly capacity: number;
  /** Whether all of them are there anyway, so that none should stand idle. @default false */
  readonly idleIsFree?: boolean | undefined;
  /** Names this run; a job with `cache: false` finds only what a run of that name stored. @default the job's id */
  readonly run?: string | undefined;
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

interface Sounds {
  readonly tracks: AudioTrack[];
  readonly warnings: string[];
}

/** Whether the store still has what the tracks are made of. */
async function hasSources(store: ObjectStore, { tracks }: Sounds): Promise<boolean> {
  const blobs = new Set(tracks.flatMap(({ source }) => (source.kind === 'blob' ? [source.sha256] : [])));
  for (const digest of blobs) {
    const info = await store.head(blobKey(digest));
    if (!info) return false;
    await keepAlive(store, info);
  }
  return true;
}

async function findSounds(
  browser: Browser,
  composition: ResolvedComposition,
  range: FrameRange,
  page: PageOptions,
  store: ObjectStore,
): Promise<Sounds> {
  const scan = await scanAudio(browser, composition, range, page);
  const warnings: string[] = [];
  const onMissing = (error: AudioError) => {
    if (page.onAssetError === 'fail') throw error;
    warnings.push(error.message);
  };
  return { tracks: await audioTracks(scan, composition, store, onMissing), warnings };
}

/**
 * Turns a job into its plan: loads the composition, decides what is open, measures sample frames, finds the
 * sounds and cuts the segments.
 * @throws ValidationError, CompositionMetadataError, FrameRangeError, and what a frame job may throw
 */
export async function planJob(
  job: RenderJob,
  { ref, worker, capacity, idleIsFree = false, run = job.id, signal }: PlanOptions,
): Promise<Plan> {
  const { encoding, page } = job;
  checkEncoding(encoding, job.outputPath);
  const { store } = worker;
  const version = await workerVersion();
  let reachesOut = false;
  const remember = memory(store, version, job.cache, () => ref.kind === 'url' || reachesOut);
  let resolved: ResolvedComposition | undefined;
  const inBrowser: Lend = (work) =>
    worker.withBrowser(
      { ref, allowHosts: page.allowHosts },
      browserFor({ composition: resolved ?? guessOf(job.composition, ref), encoding, page }),
      signal,
      async (browser) => {
        const answer = await work(browser);
        reachesOut ||= browser.gate.reachedOut;
        return answer;
      },
    );

  const {
    outputPath: _outputPath,
    id: _id,
    chunking: _chunking,
    cache: _cache,
    budget: _budget,
    onSeamMismatch,
    ...asked
  } = job;
  const { onAssetError, allowHosts } = page;
  const want = ({ composition }: Probe): Wanted => {
    checkSize(composition, encoding);
    resolved = composition;
    return { composition, range: checkRange(job.frameRange, composition) };
  };
  const workers = Math.min(job.chunking.maxParallel ?? capacity, capacity);
  const shared = (composition: ResolvedComposition, { seekMode }: SeekTrial) => ({
    jobId: job.id,
    composition,
    encoding,
    page: { ...page, seekMode },
    workerVersion: version,
  });
  const listed = new Map<string, Promise<StoredSegment[]>>();
  const layOut = async (trial: SeekTrial, { composition, range }: Wanted) => {
    // What other hosts send may change at any time, as a page behind an address may.
    const owner = reachesOut ? job.id : undefined;
    const content = contentDigest(shared(composition, trial), job.cache ? owner : run);
    const listing = listed.get(content) ?? storedSegments(store, content, job.id);
    listed.set(content, listing);
    const stored = await listing;
    const { width, height } = pictureSize({ composition, encoding });
    const parts = cutRange({
      ...{ job, range, trial, workers, idleIsFree },
      stored: stored.map((segment) => segment.range),
      pixels: width * height,
    });
    return { content, stored, parts };
  };
  const mayBeOnePass =
    idleIsFree &&
    page.seekMode === 'auto' &&
    encoding.everyNthFrame === 1 &&
    job.chunking.segments === undefined;
  // Then the page shows its frames in order, from the first on, as it does step by step.
  const isOnePass = async (found: SeekTrial, wanted: Wanted): Promise<boolean> => {
    if (wanted.range[0] > 0) return false;
    const { parts } = await layOut(found, wanted);
    if (parts.length > 1) return false;
    const replayed = await layOut({ ...found, seekMode: 'replay' }, wanted);
    return replayed.stored.length === 0;
  };
  const look = {
    lend: inBrowser,
    sideBySide: idleIsFree && capacity > 1,
    suffices: mayBeOnePass ? isOnePass : undefined,
  };
  let measured: SeekTrial | undefined;
  const probe = await remember<Probe>(
    { ref, spec: { ...job.composition, source: '' }, onAssetError, allowHosts },
    async () => {
      let found: Probe | undefined;
      const open = (browser: Browser) => openProbed(browser, job.composition, ref, page, encoding);
      const decide = (seen: Probe): Wanted => {
        found = seen;
        return want(seen);
      };
      measured = await lookAtPage(job, { ...look, of: { open, decide } });
      return found as Probe;
    },
    async (known) => resolvedCompositionSchema.safeParse(known.composition).success,
  );
  const wanted = want(probe);
  const { composition, range } = wanted;
  let trial = await remember<SeekTrial>(
    { ref, look: { ...asked, frameRange: range, composition: { ...composition, durationInFrames: 0 } } },
    async () => measured ?? lookAtPage(job, { ...look, of: wanted }),
    async (known) =>
      known.msPerFrame > 0 &&
      known.msPerStep >= 0 &&
      Array.isArray(known.costs) &&
      (known.tried || (mayBeOnePass && (await isOnePass(known, wanted)))),
  );
  const question = { ref, composition, end: range[1], onAssetError, allowHosts };
  const isSilent = audioCodecOf(encoding) === 'none' || !(reachesOut || (await maySound(store, composition)));
  const sounds = isSilent
    ? { tracks: [], warnings: [] }
    : await remember<Sounds>(
        question,
        () => inBrowser((browser) => findSounds(browser, composition, range, page, store)),
        async (known) => Array.isArray(known.tracks) && hasSources(store, known),
      );

  listed.clear();
  let { content, stored, parts } = await layOut(trial, wanted);
  // The store may have changed meanwhile, or the page have asked another host.
  if (!trial.tried && parts.length > 1) {
    trial = await lookAtPage(job, { ...look, suffices: undefined, of: wanted });
    ({ content, stored, parts } = await layOut(trial, wanted));
  }
  const found = new Map(stored.map((segment) => [segmentKey(content, segment.range), segment]));
  const segments = parts.map((part, index) => ({
    range: part,
    segmentKey: segmentKey(content, part),
    lookBack: found.get(segmentKey(content, parts[index - 1] ?? part))?.sawNext === false && index > 0,
  }));
  const looks = { segments, durationInFrames: composition.durationInFrames, step: encoding.everyNthFrame };
  const frameJobs = segments.map(
    (segment, index): FrameJob => ({
      ...shared(composition, trial),
      ...segment,
      index,
      lookAhead: lookAhead(index, looks),
    }),
  );
  const missing = frameJobs.filter((frameJob) => {
    const segment = found.get(frameJob.segmentKey);
    return !segment || (frameJob.lookBack && !segment.sawPrevious);
  });
  const maxParallel = Math.min(workers, frameJobs.length);
  return {
    id: job.id,
    composition,
    frameRange: range,
    encoding,
    frames: outputFrames(range, encoding),
    seekMode: trial.seekMode,
    ...(trial.tried ? {} : { untried: true }),
    maxParallel,
    frameJobs,
    onSeamMismatch,
    segmentsFound: frameJobs.length - missing.length,
    audioTracks: sounds.tracks,
    estimate: estimateWork(missing, trial, maxParallel),
    warnings: [...probe.warnings, ...sounds.warnings],
  };
}
