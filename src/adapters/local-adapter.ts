import { availableParallelism, totalmem } from 'node:os';
import type { CloudAdapter, FrameJobContext, FrameWorker } from '../types/contracts.ts';
import type { FrameJob, FrameResult } from '../types/frame-job.ts';
import type { AdapterStatus } from '../types/render-result.ts';

export interface LocalAdapterOptions {
  /**
   * Frame jobs at the same time; each has a browser and an encoder.
   * @default half the cores, and at least 2 where there are as many cores and 3 GiB of memory
   */
  readonly concurrency?: number | undefined;
}

/** Two browsers with their encoders take some 850 MiB at 1080p (docs/performance.md), and as much again when frames are large. */
const ROOM_FOR_TWO = 3 * 1024 ** 3;

/** A browser alone leaves a third of two cores idle: it draws with one thread most of the time. */
function defaultConcurrency(): number {
  const cores = availableParallelism();
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const least = memory < ROOM_FOR_TWO ? 1 : 2;
  return Math.max(Math.min(cores, least), Math.floor(cores / 2));
}

/** Runs frame jobs in this process. */
export class LocalAdapter implements CloudAdapter {
  readonly #capacity: number;
  #inFlight = 0;
  #completed = 0;
  #failed = 0;

  constructor({ concurrency }: LocalAdapterOptions = {}) {
    this.#capacity = concurrency ?? defaultConcurrency();
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
