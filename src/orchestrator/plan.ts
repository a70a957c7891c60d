import { availableParallelism } from 'node:os';
import { blobKey } from '../storage/bundle.ts';
import { keepAlive } from '../storage/keep-alive.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { findJson, putJson } from '../storage/object-store.ts';
import type { AudioTrack } from '../types/audio.ts';
import { audioCodecOf, captureScale, outputFrames } from '../types/codecs.ts';
import {
  type CompositionRef,
  type ResolvedComposition,
  resolvedCompositionSchema,
} from '../types/composition.ts';
import type { FrameJob } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { FrameRange, PageOptions, RenderJob } from '../types/render-job.ts';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { type AudioError, FrameRangeError } from '../utils/errors.ts';
import type { Browser } from '../worker/browser.ts';
import { browserKindOf } from '../worker/chromium-flags.ts';
import type { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { workerVersion } from '../worker/worker-version.ts';
import { scanAudio } from './audio-scan.ts';
import { audioTracks } from './audio-tracks.ts';
import { checkEncoding, checkSize } from './check-encoding.ts';
import { coverRange } from './cover-range.ts';
import { costCurve, cutByWork, segmentCount } from './cut-by-work.ts';
import { lookAhead } from './look-ahead.ts';
import { type Lend, lookAtPage, type Wanted } from './look-at-page.ts';
import { maySound } from './may-sound.ts';
import { openProbed, type Probe } from './probe.ts';
import { contentDigest, segmentKey } from './segment-key.ts';
import { cutEvenly, cutToTarget } from './segment-ranges.ts';
import { segmentTarget } from './segment-target.ts';
import { estimateWork } from './segment-work.ts';
import { storedSegments } from './stored-segments.ts';
import type { SeekTrial } from './try-seeking.ts';

/** A segment of less work is not worth opening its page for: with cores for a browser and an encoder, and without. */
const LEAST_SEGMENT_MS = { alone: 1_000, sharing: 2_000 };
const CORES_PER_WORKER = 2;

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

type Remember = <T>(
  question: unknown,
  find: () => Promise<T>,
  holds?: (known: T) => Promise<boolean>,
) => Promise<T>;

/**
 * Remembers in the store what was measured of a bundle, so that planning it again is quick and comes out the same.
 * @param changes whether what the page shows may change by itself
 */
function memory(store: ObjectStore, version: string, trusted: boolean, changes: () => boolean): Remember {
  return async <T>(
    question: unknown,
    find: () => Promise<T>,
    holds: (known: T) => Promise<boolean> = async () => true,
  ) => {
    if (changes()) return find();
    const key = `probes/${sha256(canonicalJson({ question, worker: version }))}.json`;
    const known = trusted ? await findJson(store, key) : undefined;
    if (known && (await holds(known as T))) return known as T;
    const found = await find();
    if (!changes()) await putJson(store, key, found);
    return found;
  };
}

/** What a frame takes while little else is at work: the quicker of the visits, which were side by side. */
function quickestMs({ costs, msPerFrame }: SeekTrial): number {
  return costs.length > 0 ? costs.reduce((sum, { ms }) => sum + ms, 0) / costs.length : msPerFrame;
}

/**
 * @param stored frames of the segments that need not be rendered
 * @param workers that can be at work at the same time
 * @param idleIsFree whether they are there anyway
 */
function cut(
  job: RenderJob,
  range: FrameRange,
  trial: SeekTrial,
  stored: readonly FrameRange[],
  workers: number,
  idleIsFree: boolean,
): FrameRange[] {
  const { segments, targetSegmentSeconds } = job.chunking;
  const step = job.encoding.everyNthFrame;
  if (segments !== undefined) return cutEvenly(range, segments, step);
  const pieces = coverRange(range, stored, step);
  const costOf = costCurve(trial.costs, trial.msPerFrame);
  const msPerFrame = idleIsFree ? quickestMs(trial) : trial.msPerFrame;
  const msOf = ([from, to]: FrameRange) => Math.ceil((to - from) / step) * msPerFrame;
  const open = pieces.filter((piece) => !piece.stored);
  const workMs = open.reduce((sum, piece) => sum + msOf(piece.range), 0);
  const targetMs = targetSegmentSeconds
    ? targetSegmentSeconds * 1000
    : segmentTarget(workMs, idleIsFree ? undefined : workers);
  const shares = availableParallelism() < CORES_PER_WORKER * workers;
  const leastMs = shares ? LEAST_SEGMENT_MS.sharing : LEAST_SEGMENT_MS.alone;
  const count = segmentCount(workMs, { workers, targetMs, leastMs });
  return pieces.flatMap((piece) => {
    if (piece.stored || trial.seekMode === 'replay') return [piece.range];
    if (!idleIsFree || targetSegmentSeconds !== undefined)
      return cutToTarget(piece.range, targetMs, step, costOf);
    return cutByWork(piece.range, Math.ceil((count * msOf(piece.range)) / workMs), step, costOf);
  });
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
  const inBrowser: Lend = (work) =>
    worker.withBrowser(
      { ref, allowHosts: page.allowHosts },
      browserKindOf(page, captureScale(encoding)),
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
    return { composition, range: checkRange(job.frameRange, composition) };
  };
  const look = { lend: inBrowser, sideBySide: idleIsFree && capacity > 1 };
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
  const trial = await remember<SeekTrial>(
    { ref, look: { ...asked, frameRange: range, composition: { ...composition, durationInFrames: 0 } } },
    async () => measured ?? lookAtPage(job, { ...look, of: wanted }),
    async (known) => known.msPerFrame > 0 && known.msPerStep >= 0 && Array.isArray(known.costs),
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

  const shared = {
    jobId: job.id,
    composition,
    encoding,
    page: { ...page, seekMode: trial.seekMode },
    workerVersion: version,
  };
  // What other hosts send may change at any time, as a page behind an address may.
  const owner = reachesOut ? job.id : undefined;
  const content = contentDigest(shared, job.cache ? owner : run);
  const stored = await storedSegments(store, content, job.id);
  const known = new Map(stored.map((segment) => [segmentKey(content, segment.range), segment]));
  const parts = cut(
    job,
    range,
    trial,
    stored.map((segment) => segment.range),
    Math.min(job.chunking.maxParallel ?? capacity, capacity),
    idleIsFree,
  );
  const segments = parts.map((part, index) => ({
    range: part,
    segmentKey: segmentKey(content, part),
    lookBack: known.get(segmentKey(content, parts[index - 1] ?? part))?.sawNext === false && index > 0,
  }));
  const looks = { segments, durationInFrames: composition.durationInFrames, step: encoding.everyNthFrame };
  const frameJobs = segments.map(
    (segment, index): FrameJob => ({ ...shared, ...segment, index, lookAhead: lookAhead(index, looks) }),
  );
  const missing = frameJobs.filter((frameJob) => {
    const segment = known.get(frameJob.segmentKey);
    return !segment || (frameJob.lookBack && !segment.sawPrevious);
  });
  const maxParallel = Math.min(job.chunking.maxParallel ?? capacity, capacity, frameJobs.length);
  return {
    id: job.id,
    composition,
    frameRange: range,
    encoding,
    frames: outputFrames(range, encoding),
    seekMode: trial.seekMode,
    maxParallel,
    frameJobs,
    onSeamMismatch,
    segmentsFound: frameJobs.length - missing.length,
    audioTracks: sounds.tracks,
    estimate: estimateWork(missing, trial, maxParallel),
    warnings: [...probe.warnings, ...sounds.warnings],
  };
}
