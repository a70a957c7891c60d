import { localCopy } from '../storage/local-copy.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { codecTraits, outputFrames } from '../types/codecs.ts';
import { outputFps } from '../types/fps.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { sha256File } from '../utils/digest.ts';
import { StitchError } from '../utils/errors.ts';
import { runLimited } from '../utils/run-limited.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { checkOutput } from './check-output.ts';
import { checkPictures } from './check-pictures.ts';
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
  const { videoKey, sha256 } = result;
  const file = await localCopy(store, videoKey, folder, { sha256 });
  // A copy was checked as it came: bytes that changed on the way are right the next time.
  if (file === store.localPath(videoKey) && (await sha256File(file)) !== sha256) {
    throw new StitchError(
      `Segment ${result.index} is damaged in the store (${videoKey}). Delete it and render again.`,
      {
        details: { index: result.index, key: videoKey },
      },
    );
  }
  return { file, frames: result.frames };
}

/**
 * Joins a plan's segments and its sound into the output, and checks what came out.
 * @throws StitchError when a segment is missing or wrong, or the joined video is; EncoderError, DiskFullError
 */
export async function stitch(options: StitchOptions): Promise<void> {
  const { plan, store, audioFile, output, signal } = options;
  await using folder = await createWorkFolder('stitch');
  const segments = await runLimited(inOrder(options), MAX_FETCHES, signal, (result) =>
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
  if (pictures) return checkPictures(output, plan.frames);
  const exact = segmentExtension !== 'webm' && !output.endsWith('.mkv');
  await checkOutput(output, { frames: plan.frames, fps, exact }, signal);
}
