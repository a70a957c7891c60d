import type { FrameJob, FrameResult } from './frame-job.ts';
import type { AdapterStatus } from './render-result.ts';

/** What a caller may hand to a running frame job. */
export interface FrameJobContext {
  /** Ends the job with an `AbortedError`; no process and no file of it is left. */
  readonly signal?: AbortSignal;
  /** Called with the number of frames done so far, at most some times a second. */
  readonly onFrames?: (done: number) => void;
}

/** Renders frame jobs. Keeps nothing between two calls that could change a pixel. */
export interface FrameWorker {
  renderFrame(job: FrameJob, context?: FrameJobContext): Promise<FrameResult>;
}

/** Where frame jobs run. A remote adapter runs the deployed twin of `worker`. */
export interface CloudAdapter {
  invoke(worker: FrameWorker, job: FrameJob, context?: FrameJobContext): Promise<FrameResult>;
  getStatus(): AdapterStatus;
}
