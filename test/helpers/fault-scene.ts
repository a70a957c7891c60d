import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { type RenderLocallyOptions, renderLocally } from '../../src/orchestrator/render-locally.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import type { RenderResult } from '../../src/types/render-result.ts';
import { HeliosError } from '../../src/utils/errors.ts';
import { untilNoTools, workFoldersOf } from './processes.ts';
import { fixture } from './renderer.ts';

/** A job of which a test says only what matters to it. */
export type FaultJob = Partial<Omit<RenderJobInput, 'composition'>> & {
  readonly composition?: Partial<RenderJobInput['composition']>;
};

const timeouts = { load: 10_000, frame: 10_000 };

/** A folder with a store and a place for outputs, in which renders are made to fail. */
export class FaultScene implements AsyncDisposable {
  readonly folder: string;
  readonly store: LocalStore;
  readonly outputs: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.store = new LocalStore(path.join(folder, 'store'));
    this.outputs = path.join(folder, 'out');
  }

  static async open(): Promise<FaultScene> {
    const scene = new FaultScene(await mkdtemp(path.join(tmpdir(), 'helios-fault-')));
    await mkdir(scene.outputs);
    return scene;
  }

  /** Fills in a job: ten frames of a barcode into `out/video.mp4`. */
  job(job: FaultJob = {}): RenderJobInput {
    const { composition, page, ...rest } = job;
    return {
      id: 'fault',
      outputPath: path.join(this.outputs, 'video.mp4'),
      ...rest,
      composition: { source: fixture('barcode-raf'), ...composition },
      page: { ...page, timeouts: { ...timeouts, ...page?.timeouts } },
    };
  }

  render(job: FaultJob = {}, options: RenderLocallyOptions = {}): Promise<RenderResult> {
    return renderLocally(this.job(job), { store: this.store, concurrency: 1, ...options });
  }

  /** Renders what must fail, checks that nothing is left of it, and gives its error. */
  async fail(job: FaultJob = {}, options: RenderLocallyOptions = {}): Promise<HeliosError> {
    const before = await readdir(this.outputs, { recursive: true });
    const error = await this.render(job, options).then(
      (result) => expect.fail(`rendered ${result.output}`),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(HeliosError);
    const known = error as HeliosError;
    expect(known.name).toBe(known.constructor.name);
    expect(await readdir(this.outputs, { recursive: true })).toEqual(before);
    await expectNothingLeft();
    return known;
  }

  /** Writes a page of a composition, 320 × 180 at 30 fps. @returns its folder */
  async page(name: string, body: string, duration = 1): Promise<string> {
    const folder = path.join(this.folder, name);
    await mkdir(folder);
    const meta = `<meta name="helios-composition" content="width=320, height=180, fps=30, duration=${duration}">`;
    await writeFile(
      path.join(folder, 'index.html'),
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${name}</title>${meta}</head><body>${body}</body></html>`,
    );
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Checks that this process has no browser, no encoder and no temporary folder. */
export async function expectNothingLeft(): Promise<void> {
  await untilNoTools();
  expect(await workFoldersOf()).toEqual([]);
}

/** The numbers that frames show. */
export function frameNumbers(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}
