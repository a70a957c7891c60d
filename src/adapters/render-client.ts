import type { ObjectStore } from '../storage/object-store.ts';
import type { ExecutionStatus, FarmProgress } from '../types/farm.ts';
import type { RenderJobInput } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import type { StartedRender, StartOptions, WaitOptions } from './farm-client.ts';

/** Renders on a farm in any cloud. Dispose of it when it is done with. */
export interface RenderClient extends Disposable {
  /** The farm's store, opened from here. */
  readonly store: ObjectStore;
  startRender(input: RenderJobInput, options?: StartOptions): Promise<StartedRender>;
  getProgress(id: string): Promise<FarmProgress>;
  waitForRender(id: string, options?: WaitOptions): Promise<RenderResult>;
  getResult(id: string): Promise<RenderResult>;
  cancelRender(id: string): Promise<ExecutionStatus>;
  resumeRender(id: string): Promise<StartedRender>;
}
