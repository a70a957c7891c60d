import path from 'node:path';
import { localCopy } from '../storage/local-copy.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { writeSections } from '../storage/write-sections.ts';
import { codecTraits, outputFrames } from '../types/codecs.ts';
import { type Fps, outputFps } from '../types/fps.ts';
import { type FrameResult, isSegmentOf } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { RenderResult } from '../types/render-result.ts';
import type { Seams } from '../types/seams.ts';
import { NotFoundError, StitchError, StorageError } from '../utils/errors.ts';
import { UnknownLayout } from '../utils/mp4/boxes.ts';
import { readWhole } from '../utils/read-whole.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { checkOutput } from './check-output.ts';
import { checkPictures } from './check-pictures.ts';
import { checkSeams } from './check-seams.ts';
import { concatSegments } from './concat.ts';
import { fetchSegments, refuseDamaged } from './fetch-segments.ts';
import { type Join, type JoinOptions, planJoin } from './mp4/plan-join.ts';
import { ChangedBytes } from './mp4/sections.ts';

export interface StitchOptions {
  readonly plan: Plan;
  /** One for each frame job, in any order. */
  readonly results: readonly FrameResult[];
  readonly store: ObjectStore;
  /** The sound in the store; `null` when the output has none. */
  readonly audioKey: string | null;
  readonly signal?: AbortSignal | undefined;
}

/** How a plan's segments were put together. */
export interface Joined {
  readonly seams: Seams;
  readonly joinedBy: RenderResult['joinedBy'];
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
    if (!isSegmentOf(job, result) || result.frames !== frames) {
      throw new StitchError(
        `Segment ${job.index} is not the planned one: ${result.frames} frames of ${frames}.`,
        { details },
      );
    }
    return result;
  });
}

/** What the joiner of MP4 files makes of the segments; `undefined` when FFmpeg is to join them. */
async function findJoin(options: JoinOptions, extension: string): Promise<Join | undefined> {
  const { plan, audioKey } = options;
  const isMp4 =
    codecTraits[plan.encoding.codec].segmentExtension === 'mp4' && extension.toLowerCase() === '.mp4';
  if (!isMp4 || (audioKey !== null && !audioKey.endsWith('.m4a'))) return undefined;
  try {
    return await planJoin(options);
  } catch (error) {
    if (error instanceof UnknownLayout) return undefined;
    throw error;
  }
}

/** Runs what reads segments, and finds those that are gone or damaged when one was. */
async function reading<T>(options: JoinOptions, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ChangedBytes || error instanceof NotFoundError)) throw error;
    await refuseDamaged(options);
    if (error instanceof NotFoundError) throw error;
    throw new StorageError(error.message, { cause: error, details: error.details });
  }
}

const fpsOf = ({ composition, encoding }: Plan): Fps => outputFps(composition.fps, encoding.everyNthFrame);

/** Joins by FFmpeg, from files of this machine. */
async function concat(
  options: StitchOptions,
  results: readonly FrameResult[],
  output: string,
): Promise<void> {
  const { plan, store, audioKey, signal } = options;
  await using folder = await createWorkFolder('stitch');
  const segments = await fetchSegments({ plan, results, store, signal }, folder.path);
  await concatSegments({
    segments,
    encoding: plan.encoding,
    fps: fpsOf(plan),
    audioFile: audioKey === null ? undefined : await localCopy(store, audioKey, folder.path),
    output,
    workFolder: folder.path,
    signal,
  });
}

/**
 * Joins a plan's segments and its sound into a file, and checks what came out and where they meet.
 * @param output the file to write, or a pattern for an image sequence
 * @throws SegmentDamagedError when segments are to be rendered again; StitchError when a segment is missing or
 *   wrong, or the joined video is; SeamMismatchError, EncoderError, DiskFullError
 */
export async function stitch(options: StitchOptions, output: string): Promise<Joined> {
  const { plan, store, signal } = options;
  const results = inOrder(options);
  const fps = fpsOf(plan);
  const joining = { ...options, results, fps, copied: false };
  const joined = await reading(joining, async (): Promise<Joined> => {
    const join = await findJoin(joining, path.extname(output));
    const seams = await checkSeams({ plan, results, store, signal });
    if (join) await writeSections(output, join.sections, signal);
    else await concat(options, results, output);
    return { seams, joinedBy: join ? 'kit' : 'ffmpeg' };
  });
  const { pictures, segmentExtension } = codecTraits[plan.encoding.codec];
  if (pictures) await checkPictures(output, plan.frames);
  else {
    const exact = segmentExtension !== 'webm' && path.extname(output).toLowerCase() !== '.mkv';
    await checkOutput(output, { frames: plan.frames, fps, exact }, signal);
  }
  return joined;
}

export interface StoredOutput extends Joined {
  readonly bytes: number;
}

/**
 * As `stitch`, from the store into the store, with no file in between.
 * @returns `undefined` when only FFmpeg can join these segments
 */
export async function stitchInStore(options: StitchOptions, key: string): Promise<StoredOutput | undefined> {
  const { plan, store, signal } = options;
  const results = inOrder(options);
  const joining = { ...options, results, fps: fpsOf(plan), copied: store.copiesSpans };
  return reading(joining, async () => {
    const join = await findJoin(joining, path.extname(key));
    if (!join) return undefined;
    const { header, sections, bytes } = join;
    const seams = await checkSeams({ plan, results, store, signal });
    await store.compose(key, sections, { contentType: 'video/mp4', signal });
    const written = await store.head(key);
    const head = await readWhole(await store.get(key, { start: 0, end: header.length }));
    if (written?.size === bytes && head.equals(header)) return { bytes, seams, joinedBy: 'kit' };
    await store.put(key, '').catch(() => {});
    throw new StitchError(`${key} is not what was to be written: ${written?.size} bytes of ${bytes}.`, {
      details: { key, expected: bytes, found: written?.size },
    });
  });
}
