import { localCopy } from '../storage/local-copy.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { codecTraits, outputFrames } from '../types/codecs.ts';
import { outputFps } from '../types/fps.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { Seams } from '../types/seams.ts';
import { sha256File } from '../utils/digest.ts';
import { StitchError } from '../utils/errors.ts';
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

async function fetchSegment(result: FrameResult, store: ObjectStore, folder: string): Promise<SegmentFile> {
  const file = await localCopy(store, result.videoKey, folder);
  if ((await sha256File(file)) !== result.sha256) {
    throw new StitchError(
      `Segment ${result.index} is damaged in the store (${result.videoKey}). Delete it and render again.`,
      {
        details: { index: result.index, key: result.videoKey },
      },
    );
  }
  return { file, frames: result.frames };
}

/**
 * Joins a plan's segments and its sound into the output, and checks what came out and where they meet.
 * @throws StitchError when a segment is missing or wrong, or the joined video is; SeamMismatchError, EncoderError,
 *   DiskFullError
 */
export async function stitch(options: StitchOptions): Promise<Seams> {
  const { plan, store, audioFile, output, signal } = options;
  const ordered = inOrder(options);
  const seams = await checkSeams({ plan, results: ordered, store, signal });
  await using folder = await createWorkFolder('stitch');
  const segments = await runLimited(ordered, MAX_FETCHES, signal, (result) =>
    fetchSegment(result, store, folder.path),
  );
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
