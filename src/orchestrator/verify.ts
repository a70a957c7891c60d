import { comparePictures, isRounding, readPicture } from '../stitcher/compare-pictures.ts';
import { keys } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openStore } from '../storage/open-store.ts';
import { captureScale, pictureSize } from '../types/codecs.ts';
import type { FrameJob, SegmentRecord } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { capturePaths } from '../types/render-job.ts';
import type { PictureDifference } from '../types/seams.ts';
import { throwIfAborted } from '../utils/abort.ts';
import {
  CaptureStalledError,
  NotFoundError,
  RenderNotFoundError,
  VerificationError,
  VersionMismatchError,
} from '../utils/errors.ts';
import type { Browser } from '../worker/browser.ts';
import { Camera, type Scene } from '../worker/camera.ts';
import { browserKindOf } from '../worker/chromium-flags.ts';
import { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { findSegmentRecord } from '../worker/find-segment.ts';
import { pictureVersion, workerVersion } from '../worker/worker-version.ts';
import { readPlan } from './plan-record.ts';
import { type Sample, sampleFrames } from './sample-frames.ts';

export interface VerifyOptions {
  /** Where the render lies. @default the one of `HELIOS_STORE`, else a folder in the user's cache */
  readonly store?: ObjectStore | undefined;
  /** How many frames are looked at. @default 12 */
  readonly frames?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a second look at a render found. */
export interface Verification {
  readonly id: string;
  /** Those looked at, in the composition's frames. */
  readonly frames: readonly number[];
  /** Bit for bit as when they were rendered. */
  readonly matched: number;
  /** As they were but for a rounding of the browser. */
  readonly rounded: number;
}

/** A frame that looks otherwise than when it was rendered. */
export interface DifferentFrame {
  readonly frame: number;
  /** How far it is from what it was; `null` when the picture of then does not come out again. */
  readonly difference: PictureDifference | null;
  /** Index of its segment. */
  readonly segment: number;
  /** SHA-256 of its picture before the encoder: as recorded, and as seen now. */
  readonly digests: readonly [string, string];
}

async function checkVersion(planned: string): Promise<void> {
  const own = await workerVersion();
  if (pictureVersion(planned) === pictureVersion(own)) return;
  throw new VersionMismatchError(
    `The render was made by worker ${planned}, and this one is ${own}, whose pictures may differ. Verify it with the same version.`,
    { details: { planned, worker: own } },
  );
}

async function findPlan(store: ObjectStore, id: string): Promise<Plan> {
  try {
    return await readPlan(store, id);
  } catch (cause) {
    if (!(cause instanceof NotFoundError)) throw cause;
    const begun = (await store.head(keys.job(id))) ?? (await store.head(keys.error(id)));
    throw new RenderNotFoundError(
      begun
        ? `The render ${id} ended before it had a plan, so there are no frames to compare. Render it again first.`
        : `The store ${store.url} has no render of the id ${id}. It is told by render (--id sets it), and by helios-infra cache list; --farm NAME looks into a farm's store, HELIOS_STORE into another one.`,
      { cause, details: { id, store: store.url } },
    );
  }
}

async function readRecord(store: ObjectStore, job: FrameJob): Promise<SegmentRecord> {
  const record = await findSegmentRecord(store, job);
  if (record) return record;
  const { index, range, segmentKey } = job;
  const key = keys.segmentRecord(segmentKey);
  throw new NotFoundError(
    `Segment ${index} (frames ${range[0]}–${range[1] - 1}) is gone from the store, or damaged (${key}). Render again: it is rendered anew.`,
    { details: { index, range, key, store: store.url } },
  );
}

interface TakenAgain {
  readonly sample: Sample;
  readonly digest: string;
  /** A PNG; `null` when the digest is the recorded one. */
  readonly file: Buffer | null;
}

/** Pictures of frames of one page, which goes to each at once, by way of the frame that was taken before it. */
async function takeAgain(
  browser: Browser,
  scene: Scene,
  samples: readonly Sample[],
  recorded: (sample: Sample) => string,
  signal: AbortSignal | undefined,
): Promise<TakenAgain[]> {
  let last = samples[0]?.frame as number;
  await using camera = await Camera.open(browser, scene, last, signal);
  const taken: TakenAgain[] = [];
  for (const sample of samples) {
    throwIfAborted(signal);
    const before = sample.frame - scene.encoding.everyNthFrame;
    if (before > last) await camera.take(before);
    last = sample.frame;
    const { picture } = await camera.take(last);
    const isSame = picture.digest === recorded(sample);
    taken.push({ sample, digest: picture.digest, file: isSame ? null : await (await camera.keep()).png });
  }
  return taken;
}

/** The picture of a frame that a record tells of; `undefined` when it does not come out again. */
async function recordedPicture(
  browser: Browser,
  job: FrameJob,
  record: SegmentRecord,
  { frame, place }: Sample,
  store: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  const digest = record.frameDigests[place];
  const first =
    record.firstPicture.digest === digest ? await readPicture(store, record.firstPicture) : undefined;
  if (first) return first;
  // What was drawn before can decide the last bit, so the segment's way to the frame is gone again.
  await using camera = await Camera.open(browser, job, job.range[0], signal);
  for (let at = job.range[0]; ; at += job.encoding.everyNthFrame) {
    throwIfAborted(signal);
    const { picture } = await camera.take(at);
    if (at >= frame) return picture.digest === digest ? (await camera.keep()).png : undefined;
  }
}

function failure(id: string, checked: number, frames: readonly DifferentFrame[]): VerificationError {
  const [first] = frames as readonly [DifferentFrame];
  const [then, now] = first.digests;
  const { levels, pixels } = first.difference ?? {};
  const far = levels === undefined ? '' : `, ${pixels} pixels by up to ${levels} levels`;
  const more =
    frames.length > 1
      ? ` The others are ${frames
          .slice(1)
          .map(({ frame }) => frame)
          .join(', ')}.`
      : '';
  return new VerificationError(
    `${frames.length} of ${checked} frames of ${id} look otherwise than when they were rendered: frame ${first.frame} of segment ${first.segment} had a picture of SHA-256 ${then}, and has ${now} now${far}.${more}`,
    { details: { id, checked, frames } },
  );
}

/**
 * Takes pictures of some frames of a render again, in a new browser, and compares them with what its segments'
 * records say.
 * @throws VerificationError when frames differ by more than a rounding; RenderNotFoundError when the store has no such
 *   render, NotFoundError when it has lost its segments; VersionMismatchError, and what a frame job may throw
 */
export async function verifyRender(id: string, options: VerifyOptions = {}): Promise<Verification> {
  const { store = openStore(), frames = 12, signal } = options;
  const plan = await findPlan(store, id);
  const samples = sampleFrames(plan, frames);
  const [{ workerVersion: planned, composition, encoding, page: pageThen }] = plan.frameJobs as [FrameJob];
  const page: FrameJob['page'] = plan.untried ? { ...pageThen, seekMode: 'replay' } : pageThen;
  await checkVersion(planned);
  const records = new Map<number, SegmentRecord>();
  for (const { segment } of samples)
    if (!records.has(segment)) records.set(segment, await readRecord(store, jobOf(plan, segment)));

  let matched = 0;
  let rounded = 0;
  const different: DifferentFrame[] = [];
  const ownMachine = store.localPath(keys.plan(id)) !== undefined;
  await using worker = new ChromiumFrameWorker(store, { ownMachine });
  for (const capture of capturePaths) {
    const those = samples.filter(({ segment }) => records.get(segment)?.captureMode === capture);
    if (those.length === 0) continue;
    const kind = browserKindOf({ capture }, captureScale(encoding));
    const reached = { ref: composition.ref, allowHosts: page.allowHosts };
    const seen = await onceMoreIfStalled(() =>
      worker.withBrowser(reached, kind, signal, async (browser) => {
        const found = { matched: 0, rounded: 0, different: [] as DifferentFrame[] };
        for (const { sample, digest, file } of await takeAgain(
          browser,
          { composition, encoding, page: { ...page, capture } },
          those,
          ({ segment, place }) => records.get(segment)?.frameDigests[place] as string,
          signal,
        )) {
          const { frame, segment, place } = sample;
          const record = records.get(segment) as SegmentRecord;
          const digests = [record.frameDigests[place] as string, digest] as const;
          if (digests[0] === digests[1]) {
            found.matched++;
            continue;
          }
          const job = { ...jobOf(plan, segment), page: { ...page, capture } };
          const kept = await recordedPicture(browser, job, record, sample, store, signal);
          const difference = kept && file ? await comparePictures(kept, file, signal) : null;
          if (difference && isRounding(difference, pictureSize(plan))) found.rounded++;
          else found.different.push({ frame, segment, digests, difference });
        }
        return found;
      }),
    );
    matched += seen.matched;
    rounded += seen.rounded;
    different.push(...seen.different);
  }
  if (different.length > 0) throw failure(id, samples.length, different);
  return { id, frames: samples.map(({ frame }) => frame), matched, rounded };
}

async function onceMoreIfStalled<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CaptureStalledError)) throw error;
    return work();
  }
}

function jobOf({ frameJobs }: Plan, segment: number): FrameJob {
  return frameJobs[segment] as FrameJob;
}
