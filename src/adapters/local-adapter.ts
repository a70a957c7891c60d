import { availableParallelism } from 'node:os';
import type { CloudAdapter, FrameJobContext, FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import type { AdapterStatus } from '../types/render-result.ts';

export interface LocalAdapterOptions {
  /** Frame jobs at the same time; each has a browser and an encoder. @default half the cores, at least 1 */
  readonly concurrency?: number | undefined;
}

/** Runs frame jobs in this process. */
export class LocalAdapter implements CloudAdapter {
  readonly #capacity: number;
  #inFlight = 0;
  #completed = 0;
  #failed = 0;

  constructor({ concurrency }: LocalAdapterOptions = {}) {
    this.#capacity = concurrency ?? Math.max(1, Math.floor(availableParallelism() / 2));
  }

  async invoke(worker: FrameWorker, job: FrameJob, context?: FrameJobContext): Promise<FrameResult> {
    this.#inFlight++;
    try {
      const result = await worker.renderFrame(job, context);
      this.#completed++;
      return result;
    } catch (error) {
      this.#failed++;
      throw error;
    } finally {
      this.#inFlight--;
    }
  }

  getStatus(): AdapterStatus {
    return {
      name: 'local',
      capacity: this.#capacity,
      inFlight: this.#inFlight,
      completed: this.#completed,
      failed: this.#failed,
    };
  }
}
