import { type FrameJob, type FrameResult, frameResultSchema, isSegmentOf } from '../types/frame-job.ts';
import { RemoteError, VersionMismatchError } from '../utils/errors.ts';

/**
 * What a remote worker answered, if it is the segment of the job.
 * @param place who answered, such as `the function render-1`
 * @throws VersionMismatchError, RemoteError
 */
export function checkFrameResult(job: FrameJob, answer: unknown, place: string): FrameResult {
  const { workerVersion } = (answer ?? {}) as { workerVersion?: unknown };
  if (typeof workerVersion === 'string' && workerVersion !== job.workerVersion) {
    throw new VersionMismatchError(
      `The job was planned for worker ${job.workerVersion}, and ${place} is ${workerVersion}. Deploy the same version.`,
      { details: { planned: job.workerVersion, worker: workerVersion } },
    );
  }
  const parsed = frameResultSchema.safeParse(answer);
  if (parsed.success && isSegmentOf(job, parsed.data)) return parsed.data;
  throw new RemoteError(`No segment came from ${place}: it renders no frames, or those of another job.`, {
    cause: parsed.error,
    details: { place, index: job.index },
  });
}
