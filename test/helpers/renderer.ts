import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { JobOrchestrator } from '../../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { FrameJob, SegmentRecord } from '../../src/types/frame-job.ts';
import type { Plan } from '../../src/types/plan.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import type { RenderResult } from '../../src/types/render-result.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { findSegmentRecord } from '../../src/worker/find-segment.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));

export const fixture = (name: string): string => path.join(repository, 'test/fixtures', name);
export const example = (name: string): string => path.join(repository, 'examples', name);

/** What a test says of a job; its id and output path are made up. */
export type JobSketch = Omit<RenderJobInput, 'id' | 'outputPath'> & { readonly extension?: string };

export interface Rendered {
  /** The output: a file, or a folder of pictures. */
  readonly file: string;
  readonly result: RenderResult;
  readonly plan: Plan;
  /** What the store says of each segment, in order. */
  readonly records: readonly SegmentRecord[];
}

/** Renders into a temporary folder, with one worker whose browsers stay for the next render. */
export class Renderer implements AsyncDisposable {
  readonly folder: string;
  readonly store: LocalStore;
  readonly worker: ChromiumFrameWorker;
  readonly #orchestrator: JobOrchestrator;
  #jobs = 0;

  private constructor(folder: string, concurrency: number) {
    this.folder = folder;
    this.store = new LocalStore(path.join(folder, 'store'));
    this.worker = new ChromiumFrameWorker(this.store);
    this.#orchestrator = new JobOrchestrator(this.worker, new LocalAdapter({ concurrency }));
  }

  static async open(concurrency = 2): Promise<Renderer> {
    return new Renderer(await mkdtemp(path.join(tmpdir(), 'helios-truth-')), concurrency);
  }

  async render({ extension = 'mp4', ...job }: JobSketch): Promise<Rendered> {
    const id = `job-${++this.#jobs}`;
    const file = path.join(this.folder, extension === '' ? id : `${id}.${extension}`);
    const result = await this.#orchestrator.run({ ...job, id, outputPath: file });
    const plan = await readPlan(this.store, id);
    const records = await Promise.all(
      plan.frameJobs.map(
        async (frameJob) => (await findSegmentRecord(this.store, frameJob)) as SegmentRecord,
      ),
    );
    return { file, result, plan, records };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The store's key of a frame job's video, which must be there. */
export async function videoKeyOf(store: ObjectStore, job: FrameJob | undefined): Promise<string> {
  const record = job && (await findSegmentRecord(store, job));
  if (!record) throw new Error(`The store has no segment ${job?.index}.`);
  return record.videoKey;
}

/** Hashes of a render's pictures before the encoder, in the order of the frames. */
export function digests({ records }: Rendered): string[] {
  return records.flatMap(({ frameDigests }) => frameDigests);
}
