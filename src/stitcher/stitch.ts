import { rm } from 'node:fs/promises';
import { keys } from '../storage/keys.ts';
import { localCopy } from '../storage/local-copy.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { codecTraits, outputFrames } from '../types/codecs.ts';
import { outputFps } from '../types/fps.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { Seams } from '../types/seams.ts';
import { sha256File } from '../utils/digest.ts';
import { NotFoundError, SegmentDamagedError, StitchError } from '../utils/errors.ts';
import { runLimited } from '../utils/run-limited.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { checkOutput } from './check-output.ts';
import { checkPictures } from './check-pictures.ts';
import { checkSeams } from './check-seams.ts';
import { concatSegments, type SegmentFile } from './concat.ts';

const MAX_FETCHES = 8;

export interface StitchOptions {
  readonly plan: Plan;
  /** One for each frame job, in any order. */
  readonly results: readonly FrameResult[];
  readonly store: ObjectStore;
  readonly audioFile?: string | undefined;
  /** The file to write, or a pattern for an image sequence. */
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

/** The segment of each frame job, in order; each with the frames that the plan says. */
function inOrder({ plan, results }: StitchOptions): FrameResult[] {
  const byIndex = new Map(results.map((result) => [result.index, result]));
  return plan.frameJobs.map((job) => {
    const result = byIndex.get(job.index);
    const frames = outputFrames(job.range, job.encoding);
    const details = { index: job.index, range: job.range };
    if (!result)
      throw new StitchError(`Segment ${job.index} (frames ${job.range.join('–')}) is missing.`, { details });
    if (result.segmentKey !== job.segmentKey || result.frames !== frames) {
      throw new StitchError(
        `Segment ${job.index} is not the planned one: ${result.frames} frames of ${frames}.`,
        { details },
      );
    }
    return result;
  });
}

/** A segment as it was put into the store; `undefined` when it is gone or damaged, and its record is then emptied. */
async function fetchSegment(
  { segmentKey, videoKey, sha256, frames }: FrameResult,
  store: ObjectStore,
  folder: string,
): Promise<SegmentFile | undefined> {
  for (let fetches = 0; fetches < 2; fetches++) {
    const file = await localCopy(store, videoKey, folder).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    if (file === undefined) break;
    if ((await sha256File(file)) === sha256) return { file, frames };
    if (file === store.localPath(videoKey)) break;
    // Bytes that changed on the way are right the next time.
    await rm(file);
  }
  await store.put(keys.segmentRecord(segmentKey), '');
  return undefined;
}

/** @throws SegmentDamagedError that names all that are damaged */
async function fetchSegments(options: StitchOptions, folder: string): Promise<SegmentFile[]> {
  const { plan, store, signal } = options;
  const found = await runLimited(inOrder(options), MAX_FETCHES, signal, (result) =>
    fetchSegment(result, store, folder),
  );
  const segments = found.filter((segment) => segment !== undefined);
  if (segments.length === found.length) return segments;
  const damaged = plan.frameJobs.filter((_, place) => found[place] === undefined);
  throw SegmentDamagedError.of(damaged, store.url);
}

/**
 * Joins a plan's segments and its sound into the output, and checks what came out and where they meet.
 * @throws SegmentDamagedError when segments are to be rendered again; StitchError when a segment is missing or
 *   wrong, or the joined video is; SeamMismatchError, EncoderError, DiskFullError
 */
export async function stitch(options: StitchOptions): Promise<Seams> {
  const { plan, store, audioFile, output, signal } = options;
  await using folder = await createWorkFolder('stitch');
  const segments = await fetchSegments(options, folder.path);
  const seams = await checkSeams({ plan, results: inOrder(options), store, signal });
  const fps = outputFps(plan.composition.fps, plan.encoding.everyNthFrame);
  await concatSegments({
    segments,
    encoding: plan.encoding,
    fps,
    audioFile,
    output,
    workFolder: folder.path,
    signal,
  });
  const { pictures, segmentExtension } = codecTraits[plan.encoding.codec];
  if (pictures) await checkPictures(output, plan.frames);
  else {
    const exact = segmentExtension !== 'webm' && !output.endsWith('.mkv');
    await checkOutput(output, { frames: plan.frames, fps, exact }, signal);
  }
  return seams;
}
