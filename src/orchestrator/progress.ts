import { performance } from 'node:perf_hooks';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import type { RenderProgress } from '../types/render-result.ts';

export type OnProgress = (progress: RenderProgress) => void;

/** Counts what a render has done and tells it. */
export class ProgressMeter {
  readonly #tell: OnProgress;
  readonly #done = new Map<number, number>();
  #phase: RenderProgress['phase'] = 'bundle';
  #framesTotal = 0;
  #cachedFrames = 0;
  #since = 0;
  readonly #segments: RenderProgress['segments'] = {
    total: 0,
    cached: 0,
    rendered: 0,
    inFlight: 0,
    retried: 0,
  };

  constructor(tell: OnProgress | undefined) {
    this.#tell = tell ?? (() => {});
  }

  enter(phase: RenderProgress['phase'], plan?: Plan): void {
    this.#phase = phase;
    if (phase === 'render' && plan) {
      this.#framesTotal = plan.frames;
      this.#segments.total = plan.frameJobs.length;
      this.#since = performance.now();
    }
    this.#report();
  }

  segmentStarted(): void {
    this.#segments.inFlight++;
    this.#report();
  }

  /** @param frames of the attempt that tells; that of a segment's other one may be ahead */
  segmentFrames(index: number, frames: number): void {
    this.#done.set(index, Math.max(frames, this.#done.get(index) ?? 0));
    this.#report();
  }

  segmentRetried(index: number): void {
    this.#segments.retried++;
    this.#done.delete(index);
    this.#report();
  }

  /** A segment that had ended is to be rendered again. */
  segmentLost({ index, frames, cached }: FrameResult): void {
    this.#done.delete(index);
    if (cached) this.#cachedFrames -= frames;
    this.#segments[cached ? 'cached' : 'rendered']--;
    this.#report();
  }

  segmentDuplicated(): void {
    this.#segments.duplicated = this.duplicated + 1;
    this.#report();
  }

  /** Whether the render has a plan. */
  get planned(): boolean {
    return this.#phase === 'render' || this.#phase === 'stitch';
  }

  /** Segments that were started a second time. */
  get duplicated(): number {
    return this.#segments.duplicated ?? 0;
  }

  segmentEnded(result?: FrameResult): void {
    this.#segments.inFlight--;
    if (result) {
      this.#done.set(result.index, result.frames);
      if (result.cached) this.#cachedFrames += result.frames;
      this.#segments[result.cached ? 'cached' : 'rendered']++;
    }
    this.#report();
  }

  #report(): void {
    let framesDone = 0;
    for (const frames of this.#done.values()) framesDone += frames;
    const seconds = this.#since === 0 ? 0 : (performance.now() - this.#since) / 1000;
    const fresh = framesDone - this.#cachedFrames;
    const framesPerSecond = seconds > 0 ? fresh / seconds : 0;
    this.#tell({
      phase: this.#phase,
      framesDone,
      framesTotal: this.#framesTotal,
      framesPerSecond,
      secondsLeft: framesPerSecond > 0 ? (this.#framesTotal - framesDone) / framesPerSecond : null,
      segments: { ...this.#segments },
    });
  }
}
