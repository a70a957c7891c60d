import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JobOrchestrator, parseJob, referenceTo } from '../../src/orchestrator/job-orchestrator.ts';
import { planStep } from '../../src/orchestrator/steps.ts';
import { keys } from '../../src/storage/keys.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { readSegmentRecord } from '../../src/storage/segment-record.ts';
import type { CloudAdapter } from '../../src/types/contracts.ts';
import { type FrameJob, frameResultSchema } from '../../src/types/frame-job.ts';
import { adapterStatusSchema } from '../../src/types/render-result.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';

/** An adapter to be tested over an empty store; disposed of after its tests. */
export interface AdapterUnderTest extends AsyncDisposable {
  readonly adapter: CloudAdapter;
  /** Where its workers read and write. */
  readonly store: ObjectStore;
}

const composition = { source: fixture('barcode-css') };

/** What every adapter must do. */
export function describeAdapter(name: string, open: () => Promise<AdapterUnderTest>): void {
  describe(`${name} as an adapter`, () => {
    let opened: AdapterUnderTest;
    let adapter: CloudAdapter;
    let worker: ChromiumFrameWorker;
    let local: Renderer;
    let expected: string[];
    beforeAll(async () => {
      [opened, local] = await Promise.all([open(), Renderer.open()]);
      adapter = opened.adapter;
      worker = new ChromiumFrameWorker(opened.store);
      const { records } = await local.render({ composition, chunking: { segments: 3 } });
      expected = records.flatMap(({ frameDigests }) => frameDigests);
    });
    afterAll(async () => {
      await worker[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
      await local[Symbol.asyncDispose]();
    });

    const planned = async (id: string, source: string, more: object = {}): Promise<readonly FrameJob[]> => {
      const ref = await referenceTo(source, worker.store);
      const job = parseJob({ id, composition: { source }, outputPath: 'out.mp4', ...more });
      const { frameJobs } = await planStep(job, { ref, worker, capacity: 2 });
      return frameJobs;
    };
    const digestsOf = async ({ segmentKey }: FrameJob): Promise<string[] | undefined> =>
      (await readSegmentRecord(worker.store, segmentKey))?.frameDigests;

    test('tells its status before, while and after it works', async () => {
      const before = adapterStatusSchema.parse(adapter.getStatus());
      expect(before).toMatchObject({ inFlight: 0, completed: 0, failed: 0 });
      const [job] = await planned('status', fixture('barcode-css'), { frameRange: [0, 10] });
      const working = adapter.invoke(worker, job as FrameJob);
      expect(adapter.getStatus().inFlight).toBeLessThanOrEqual(1);
      await working;
      expect(adapter.getStatus()).toMatchObject({ inFlight: 0, completed: 1, failed: 0 });
    });

    test('a segment lies in the store, and is rendered once', async () => {
      const [job] = (await planned('once', fixture('barcode-css'), { frameRange: [10, 20] })) as [FrameJob];
      const result = await adapter.invoke(worker, job);
      expect(frameResultSchema.parse(result)).toMatchObject({
        index: 0,
        segmentKey: job.segmentKey,
        frames: 10,
        cached: false,
        workerVersion: job.workerVersion,
      });
      expect(await worker.store.head(result.videoKey)).toMatchObject({ size: result.bytes });
      expect(await digestsOf(job)).toEqual(expected.slice(10, 20));
      expect(await adapter.invoke(worker, job)).toMatchObject({ cached: true, sha256: result.sha256 });
    });

    test('a job over it has the frames of a local render, in any order of its segments', async () => {
      const jobs = await planned('any-order', fixture('barcode-css'), { chunking: { segments: 3 } });
      await Promise.all(jobs.toReversed().map((job) => adapter.invoke(worker, job)));
      expect((await Promise.all(jobs.map(digestsOf))).flat()).toEqual(expected);
      const result = await new JobOrchestrator(worker, adapter).run({
        id: 'any-order',
        composition,
        chunking: { segments: 3 },
        outputPath: `${local.folder}/${name}.mp4`,
      });
      expect(result.segments).toMatchObject({ total: 3, cached: 3, rendered: 0 });
      expect(result.frames).toBe(expected.length);
    });

    test('refuses a job of another version', async () => {
      const [job] = (await planned('version', fixture('barcode-css'), { frameRange: [20, 24] })) as [
        FrameJob,
      ];
      const other = { ...job, workerVersion: 'another', segmentKey: `${'0'.repeat(64)}/20-24` };
      await expect(adapter.invoke(worker, other)).rejects.toMatchObject({
        name: 'VersionMismatchError',
        retryable: false,
        message: expect.stringContaining('planned for worker another'),
      });
    });

    test('an error of the page comes as its class, and names the frame', async () => {
      const source = fixture('bad/script-throws-at-frame-20');
      const [first] = (await planned('throws', source, { frameRange: [0, 10] })) as [FrameJob];
      const [, content] = /^([0-9a-f]{64})/.exec(first.segmentKey) ?? [];
      const range: [number, number] = [15, 25];
      const job = { ...first, range, segmentKey: `${content}/15-25` };
      const before = adapter.getStatus().failed;
      await expect(adapter.invoke(worker, job)).rejects.toMatchObject({
        name: 'PageScriptError',
        retryable: false,
        message: expect.stringMatching(/frame 20/i),
      });
      expect(adapter.getStatus()).toMatchObject({ inFlight: 0, failed: before + 1 });
    });

    test('a job that breaks its schema is refused', async () => {
      const [job] = (await planned('schema', fixture('barcode-css'), { frameRange: [0, 10] })) as [FrameJob];
      const broken = { ...job, range: [5, 2] } as unknown as FrameJob;
      await expect(adapter.invoke(worker, broken)).rejects.toMatchObject({
        name: 'ValidationError',
        message: expect.stringContaining('range: '),
      });
    });

    test('ends soon when its signal fires, writes nothing, and works on', async () => {
      const [job] = (await planned('aborted', fixture('barcode-css'), { encoding: { scale: 4 } })) as [
        FrameJob,
      ];
      await expect(adapter.invoke(worker, job, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        name: 'AbortedError',
      });
      const since = performance.now();
      const cancelled = adapter.invoke(worker, job, { signal: AbortSignal.timeout(500) });
      await expect(cancelled).rejects.toMatchObject({ name: 'AbortedError' });
      expect(performance.now() - since).toBeLessThan(5_000);
      expect(await worker.store.head(keys.segmentRecord(job.segmentKey))).toBeUndefined();
      const [next] = (await planned('after', fixture('barcode-css'), { frameRange: [30, 40] })) as [FrameJob];
      await adapter.invoke(worker, next);
      expect(await digestsOf(next)).toEqual(expected.slice(30, 40));
      expect(adapter.getStatus().inFlight).toBe(0);
    });
  });
}
