import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { BlobCache, type BlobLease } from '../storage/blob-cache.ts';
import { readBundle } from '../storage/bundle.ts';
import { keys, type SegmentPicture } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { writeSegmentRecord } from '../storage/segment-record.ts';
import { codecTraits } from '../types/codecs.ts';
import type { CompositionRef } from '../types/composition.ts';
import type { FrameJobContext, FrameWorker } from '../types/contracts.ts';
import {
  type FrameJob,
  type FrameResult,
  frameJobSchema,
  type KeptPicture,
  ownSegmentKey,
} from '../types/frame-job.ts';
import type { PageOptions } from '../types/render-job.ts';
import { onAbort, throwIfAborted } from '../utils/abort.ts';
import { sha256, sha256File } from '../utils/digest.ts';
import { freeBytes } from '../utils/disk-space.ts';
import {
  AssetError,
  BrowserCrashedError,
  CaptureStalledError,
  DiskFullError,
  EncoderError,
  KitError,
  ValidationError,
  VersionMismatchError,
} from '../utils/errors.ts';
import { NetworkPolicy } from '../utils/network-policy.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { Browser } from './browser.ts';
import { browserFor } from './camera.ts';
import type { BrowserKind } from './chromium-flags.ts';
import { countFrames } from './count-frames.ts';
import { findSegment, keepSegmentAlive } from './find-segment.ts';
import { type SeamPicture, writeSegment } from './segment-writer.ts';
import { bundleLookup } from './serve-bundle.ts';
import type { FileLookup } from './serve-file.ts';
import { workerVersion } from './worker-version.ts';

/** Less in the temporary folder is too little for a browser. */
const BROWSER_ROOM_BYTES = 16 * 1024 ** 2;

/** Where a composition is, and which hosts it may reach. */
export interface ReachedComposition {
  readonly ref: CompositionRef;
  /** As in the page's options. @default every public address */
  readonly allowHosts?: PageOptions['allowHosts'];
}

export interface WorkerOptions {
  /**
   * Whether the jobs' author renders on a machine of his own: then the address of a page, and hosts that a job names
   * with their port, may be private. @default false
   */
  readonly ownMachine?: boolean | undefined;
}

/**
 * Renders frame jobs in Chromium and writes their segments to a store. Browsers stay for the next job; each job
 * gets a fresh profile in one. Close it when it is done with.
 */
export class ChromiumFrameWorker implements FrameWorker, AsyncDisposable {
  readonly store: ObjectStore;
  readonly #blobs: BlobCache;
  readonly #ownMachine: boolean;
  #idle: Browser[] = [];

  constructor(store: ObjectStore, { ownMachine = false }: WorkerOptions = {}) {
    this.store = store;
    this.#ownMachine = ownMachine;
    this.#blobs = new BlobCache(store);
  }

  /**
   * Renders a segment, unless the store has it.
   * @throws ValidationError, VersionMismatchError, FrameTimeoutError, AssetError, PageScriptError, WebGLError,
   *   CompositionLoadError, BlockedRequestError, PageLimitError, BrowserCrashedError, EncoderError, DiskFullError, AbortedError
   */
  async renderFrame(input: FrameJob, context: FrameJobContext = {}): Promise<FrameResult> {
    const parsed = frameJobSchema.safeParse(input);
    if (!parsed.success) throw ValidationError.fromZod('frame job', parsed.error);
    const job = parsed.data;
    const version = await workerVersion();
    if (version !== job.workerVersion) {
      throw new VersionMismatchError(
        `The job was planned for worker ${job.workerVersion}, and this one is ${version}. Deploy the same version, or plan again.`,
        { details: { planned: job.workerVersion, worker: version } },
      );
    }
    const found = await findSegment(this.store, job);
    if (found) {
      await keepSegmentAlive(this.store, found);
      return found;
    }
    const [last, ...before] = attemptsOf(job.page).reverse() as [PageOptions['capture']];
    for (const capture of before.reverse()) {
      try {
        return await this.#render(job, capture, context);
      } catch (error) {
        if (!(error instanceof CaptureStalledError)) throw error;
      }
    }
    return await this.#render(job, last, context);
  }

  /** Which hosts a composition may reach. */
  networkPolicy({ ref, allowHosts }: ReachedComposition): NetworkPolicy {
    const page = ref.kind === 'url' ? ref.url : undefined;
    return new NetworkPolicy({ page, allowHosts, ownMachine: this.#ownMachine });
  }

  /** Lends a browser that reads a composition, for as long as `work` runs. */
  async withBrowser<T>(
    composition: ReachedComposition,
    kind: BrowserKind,
    signal: AbortSignal | undefined,
    work: (browser: Browser) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    const full = await fullDisk();
    if (full) throw full;
    using blobs = this.#blobs.lease();
    const missed: Error[] = [];
    const looking = this.#lookup(composition.ref, blobs, missed);
    looking.catch(() => {});
    const browser = await this.#takeBrowser(kind, signal);
    const off = onAbort(signal, () => browser.kill());
    try {
      browser.gate.serve(await looking, this.networkPolicy(composition));
      await browser.checkProcesses();
      const value = await work(browser);
      if (missed.length > 0) throw missed[0];
      await browser.checkProcesses();
      if (browser.doubtful) await browser.close();
      else this.#idle.push(browser);
      return value;
    } catch (error) {
      const crash = await browser.checkProcesses().catch((reason: unknown) => reason);
      const reason = await reasonOf(crash ?? missed[0] ?? error);
      await browser.close();
      throwIfAborted(signal);
      throw reason;
    } finally {
      off();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const browsers = this.#idle;
    this.#idle = [];
    await Promise.all(browsers.map((browser) => browser.close()));
    await this.#blobs[Symbol.asyncDispose]();
  }

  async #render(
    job: FrameJob,
    capture: PageOptions['capture'],
    context: FrameJobContext,
  ): Promise<FrameResult> {
    const since = performance.now();
    await using folder = await createWorkFolder('segment');
    const extension = codecTraits[job.encoding.codec].segmentExtension;
    const file = path.join(folder.path, `segment.${extension}`);
    const page = { ...job.page, capture };
    const kind = browserFor({ ...job, page });
    let browserMs = 0;
    let reachedOut = false;
    const written = await this.withBrowser(
      { ref: job.composition.ref, allowHosts: job.page.allowHosts },
      kind,
      context.signal,
      async (browser) => {
        browserMs = performance.now() - since;
        const segment = await writeSegment(browser, { ...job, page }, file, context);
        reachedOut = browser.gate.reachedOut;
        return segment;
      },
    );
    const found = await countFrames(file, context.signal);
    if (found !== written.frames) {
      throw new EncoderError(`FFmpeg wrote ${found} frames of ${written.frames} into segment ${job.index}.`, {
        details: { index: job.index, expected: written.frames, found },
      });
    }
    throwIfAborted(context.signal);
    // What other hosts send may change at any time; a page behind an address has the job in its segments' names.
    const isOwn = reachedOut && job.composition.ref.kind === 'bundle';
    const segmentKey = isOwn ? ownSegmentKey(job) : job.segmentKey;
    const { frameDigests, timings, firstPicture, lastPicture, nextPicture, previousPicture, ...rest } =
      written;
    const keep = async (which: SegmentPicture, picture: SeamPicture | undefined) =>
      picture ? this.#keepPicture(segmentKey, which, picture) : null;
    const putting = performance.now();
    const [first, next, last, previous] = await Promise.all([
      this.#keepPicture(segmentKey, 'first', firstPicture),
      keep('next', nextPicture),
      keep('last', nextPicture ? undefined : lastPicture),
      keep('previous', previousPicture),
    ]);
    const seams = timings.seams + performance.now() - putting;
    const digest = await sha256File(file);
    const videoKey = keys.segmentVideo(segmentKey, digest, extension);
    await this.store.put(videoKey, { file }, { sha256: digest });
    const result: FrameResult = {
      ...rest,
      firstPicture: first,
      nextPicture: next,
      lastPicture: last,
      previousPicture: previous,
      index: job.index,
      segmentKey,
      videoKey,
      sha256: digest,
      cached: false,
      timings: { ...timings, seams, browser: browserMs, total: performance.now() - since },
      workerVersion: job.workerVersion,
    };
    await writeSegmentRecord(this.store, { ...result, frameDigests });
    return result;
  }

  async #keepPicture(
    segmentKey: string,
    which: SegmentPicture,
    { digest, png }: SeamPicture,
  ): Promise<KeptPicture> {
    const file = await png;
    const fileDigest = sha256(file);
    const key = keys.segmentPicture(segmentKey, which, fileDigest);
    await this.store.put(key, file, { contentType: 'image/png' });
    return { digest, sha256: fileDigest, key };
  }

  async #takeBrowser(kind: BrowserKind, signal: AbortSignal | undefined): Promise<Browser> {
    const { mode, scale = 1 } = kind;
    for (const browser of this.#idle.filter((idle) => idle.mode === mode && idle.scale === scale)) {
      this.#idle = this.#idle.filter((other) => other !== browser);
      if (browser.alive) return browser;
      await browser.close();
    }
    return Browser.launch(kind, signal);
  }

  async #lookup(ref: CompositionRef, blobs: BlobLease, missed: Error[]): Promise<FileLookup> {
    if (ref.kind === 'bundle') return bundleLookup(await readBundle(this.store, ref.digest), blobs, missed);
    return async () => undefined;
  }
}

/** How to take the pictures, and how again each time that the browser gives none. */
function attemptsOf({ capture }: PageOptions): PageOptions['capture'][] {
  if (capture === 'auto') return ['auto', 'auto', 'begin-frame', 'screenshot'];
  return capture === 'screenshot' ? ['screenshot'] : [capture, capture];
}

/** An error when the temporary folder has too little room for a browser. */
async function fullDisk(cause?: unknown): Promise<DiskFullError | undefined> {
  const free = await freeBytes(tmpdir());
  if (free >= BROWSER_ROOM_BYTES) return undefined;
  return new DiskFullError(
    `${tmpdir()} has ${Math.floor(free / 1024 ** 2)} MiB left for Chromium's temporary files: too little. Free some space, or set TMPDIR to a larger disk.`,
    { cause, details: { folder: tmpdir(), free } },
  );
}

/** Why a browser failed: one that finds no room for its temporary files just ends, or can't play a sound. */
async function reasonOf(error: unknown): Promise<unknown> {
  const failed =
    error instanceof BrowserCrashedError ||
    error instanceof KitError ||
    error instanceof CaptureStalledError ||
    error instanceof AssetError;
  return (failed && (await fullDisk(error))) || error;
}
