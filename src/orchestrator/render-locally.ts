import { LocalAdapter } from '../adapters/local-adapter.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openStore } from '../storage/open-store.ts';
import type { RenderJobInput } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { JobOrchestrator, type RunOptions } from './job-orchestrator.ts';

export interface RenderLocallyOptions extends RunOptions {
  /** @default the one of `HELIOS_STORE`, else a folder in the user's cache */
  readonly store?: ObjectStore | undefined;
  /** Segments at the same time. @default half the cores, and at least 2 where there are so many and 3 GiB of memory */
  readonly concurrency?: number | undefined;
}

/**
 * Renders a job on this machine.
 * @example
 * await renderLocally({ id: 'intro', composition: { source: './intro' }, outputPath: 'intro.mp4' });
 */
export async function renderLocally(
  job: RenderJobInput,
  options: RenderLocallyOptions = {},
): Promise<RenderResult> {
  const { store = openStore(), concurrency, ...run } = options;
  await using worker = new ChromiumFrameWorker(store, { ownMachine: true });
  return await new JobOrchestrator(worker, new LocalAdapter({ concurrency })).run(job, run);
}
