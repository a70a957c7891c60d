import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { JobOrchestrator, type RunOptions, referenceTo } from '../../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { type ObjectStore, readBytes } from '../../src/storage/object-store.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import type { CloudAdapter } from '../../src/types/contracts.ts';
import type { RenderProgress, RenderResult } from '../../src/types/render-result.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { frameNumbers } from '../helpers/fault-scene.ts';
import { fixture, videoKeyOf } from '../helpers/renderer.ts';
import { TestS3 } from '../helpers/test-s3.ts';

const FRAMES = 12;
let folder: string;
let s3: TestS3;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-damaged-'));
  s3 = await TestS3.open('damaged');
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

type Damage = (store: ObjectStore, key: string) => Promise<void>;

const truncate: Damage = async (store, key) =>
  store.put(key, (await readBytes(store, key)).subarray(0, 1_000));
const changeBytes: Damage = async (store, key) => {
  const bytes = await readBytes(store, key);
  bytes.fill(0x5a, bytes.length >> 1, (bytes.length >> 1) + 32);
  await store.put(key, bytes);
};
const remove: Damage = (store, key) => store.delete(key);
const damages = [
  ['cut off', truncate],
  ['with other bytes', changeBytes],
  ['gone', remove],
] as const;

/** Damages the first segment's video once all segments are rendered or found. */
class DamagingAdapter implements CloudAdapter {
  readonly #inner = new LocalAdapter({ concurrency: 1 });
  readonly #damage: (() => Promise<void>) | undefined;
  calls = 0;

  constructor(damage?: () => Promise<void>) {
    this.#damage = damage;
  }

  invoke: CloudAdapter['invoke'] = async (...call) => {
    const result = await this.#inner.invoke(...call);
    if (++this.calls === 2) await this.#damage?.();
    return result;
  };

  getStatus = () => this.#inner.getStatus();
}

describe.each([
  ['a folder', () => new LocalStore(path.join(folder, 'store'))],
  ['S3', () => new S3Store('s3://damaged/farm', { idleSeconds: 5 })],
] as const)('in %s', (where, open) => {
  let store: ObjectStore;
  let worker: ChromiumFrameWorker;
  let video: string;
  const job = {
    id: 'damaged',
    composition: { source: fixture('barcode-raf'), durationInFrames: FRAMES },
    encoding: { muted: true },
    chunking: { segments: 2 },
  };
  const render = async (adapter = new DamagingAdapter(), options: RunOptions = {}) => {
    const told: RenderProgress[] = [];
    const outputPath = path.join(folder, `${where.replace(' ', '-')}.mp4`);
    const result = await new JobOrchestrator(worker, adapter).run(
      { ...job, outputPath },
      { ...options, onProgress: (progress) => told.push(progress) },
    );
    return { result, last: told.at(-1) as RenderProgress };
  };
  const expectWhole = async ({ output }: RenderResult): Promise<void> =>
    expect(await decodeBarcodes(output)).toEqual(frameNumbers(0, FRAMES));

  beforeAll(async () => {
    store = open();
    worker = new ChromiumFrameWorker(store);
    await expectWhole((await render()).result);
    const { frameJobs } = await readPlan(store, job.id);
    video = await videoKeyOf(store, frameJobs[0]);
  });
  afterAll(() => worker[Symbol.asyncDispose]());

  test.each(damages)('a segment %s before a render is rendered again', async (_, damage) => {
    await damage(store, video);
    const { result, last } = await render();
    expect(result.segments).toEqual({ total: 2, cached: 1, rendered: 1 });
    expect(last.segments).toMatchObject({ cached: 1, rendered: 1, inFlight: 0 });
    await expectWhole(result);
    expect((await render()).result.segments.cached).toBe(2);
  });

  test.each(damages)('a segment %s just before it is joined is rendered again', async (_, damage) => {
    const adapter = new DamagingAdapter(() => damage(store, video));
    const { result, last } = await render(adapter);
    expect(adapter.calls).toBe(3);
    expect(result.segments).toEqual({ total: 2, cached: 1, rendered: 1 });
    expect(last).toMatchObject({ framesDone: FRAMES, segments: { cached: 1, rendered: 1, inFlight: 0 } });
    await expectWhole(result);
    expect((await render()).result.segments.cached).toBe(2);
  });

  test.each(damages)('a segment %s just before it is joined in the store', async (_, damage) => {
    const adapter = new DamagingAdapter(() => damage(store, video));
    const { result } = await render(adapter, { intoStore: true });
    expect(adapter.calls).toBe(3);
    expect(result).toMatchObject({
      output: `${store.url}/renders/damaged/output.mp4`,
      joinedBy: 'kit',
      segments: { total: 2, cached: 1, rendered: 1 },
    });
    const output = path.join(folder, 'from-store.mp4');
    await writeFile(output, await readBytes(store, keys.output(job.id, 'mp4')));
    await expectWhole({ ...result, output });
  });

  test.each(['nextPicture', 'frameDigests', 'timings'] as const)(
    'a segment with one wrong digit in %s of its record is rendered again',
    async (part) => {
      const record = video.replace(/\.[0-9a-f]+\.mp4$/, '.json');
      const text = (await readBytes(store, record)).toString('utf8');
      const from = text.indexOf(`"${part}"`);
      const at = from + text.slice(from).search(/(?<=(?::"?|\[")[0-9a-f.]*)[1-8]/);
      const digit = text.charAt(at) === '1' ? '2' : '1';
      await store.put(record, `${text.slice(0, at)}${digit}${text.slice(at + 1)}`);

      const { result } = await render();
      expect(result.segments).toEqual({ total: 2, cached: 1, rendered: 1 });
      expect(result.seams).toMatchObject({ checked: 1, matched: 1 });
      expect((await readBytes(store, record)).toString('utf8')).toContain('"seal"');
      expect((await render()).result.segments.cached).toBe(2);
    },
  );

  test('a segment that is damaged again and again ends the render with its frames', async () => {
    const adapter = new LocalAdapter({ concurrency: 1 });
    const always: CloudAdapter = {
      invoke: async (...call) => {
        const result = await adapter.invoke(...call);
        await changeBytes(store, video);
        return result;
      },
      getStatus: () => adapter.getStatus(),
    };
    const outputPath = path.join(folder, 'never.mp4');
    await expect(new JobOrchestrator(worker, always).run({ ...job, outputPath })).rejects.toMatchObject({
      name: 'SegmentDamagedError',
      message: expect.stringContaining('frames 0–5'),
      details: { segments: [0] },
    });
    await expectWhole((await render()).result);
  });

  test.each(damages)(
    'the handlers: a segment %s is named by stitch, and rendered by render',
    async (_, damage) => {
      await using handlers = new Handlers(store);
      const ref = await referenceTo(job.composition.source, store);
      const { id, segments, segmentsFound } = await handlers.plan({
        job: { ...job, outputPath: 'out.mp4' },
        ref,
      });
      expect([segments, segmentsFound]).toEqual([2, 2]);
      const renderAll = async () => {
        const first = await handlers.render({ id, index: 0 });
        const second = await handlers.render({ id, index: 1 });
        return [first.cached, second.cached];
      };
      expect(await renderAll()).toEqual([true, true]);
      await damage(store, video);
      await expect(handlers.stitch({ id })).rejects.toMatchObject({
        name: 'SegmentDamagedError',
        details: { segments: [0] },
      });
      expect(await renderAll()).toEqual([false, true]);
      expect((await handlers.stitch({ id })).segments).toEqual({ total: 2, cached: 1, rendered: 1 });
    },
  );
});
