import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ChromiumFrameWorker,
  Handlers,
  JobOrchestrator,
  LocalAdapter,
  LocalStore,
  type ObjectStore,
  type RenderResult,
  referenceTo,
  S3Store,
} from '../../src/index.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { blobKey, bundleKey, createBundle, readBundle } from '../../src/storage/bundle.ts';
import { keys } from '../../src/storage/keys.ts';
import { readBytes, readJson } from '../../src/storage/object-store.ts';
import { sha256File } from '../../src/utils/digest.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture } from '../helpers/renderer.ts';
import { TestS3 } from '../helpers/test-s3.ts';

const source = fixture('barcode-video-30');
let s3: TestS3;
let folder: string;
let store: S3Store;
beforeAll(async () => {
  s3 = await TestS3.open('renders');
  store = new S3Store('s3://renders/farm', { idleSeconds: 5 });
  folder = await mkdtemp(path.join(tmpdir(), 'helios-s3-render-'));
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function render(into: ObjectStore, id: string, composition = source): Promise<RenderResult> {
  await using worker = new ChromiumFrameWorker(into);
  const job = { id, composition: { source: composition }, outputPath: path.join(folder, `${id}.mp4`) };
  return await new JobOrchestrator(worker, new LocalAdapter({ concurrency: 2 })).run({
    ...job,
    frameRange: [0, 40],
    chunking: { segments: 3 },
  });
}

async function frameDigests(from: ObjectStore, id: string): Promise<string[]> {
  const plan = await readPlan(from, id);
  const records = await Promise.all(
    plan.frameJobs.map((job) => readJson(from, keys.segmentRecord(job.segmentKey))),
  );
  return records.flatMap((record) => (record as { frameDigests: string[] }).frameDigests);
}

test('a render over S3 is the render over a folder; a second one finds its segments', async () => {
  const local = new LocalStore(path.join(folder, 'store'));
  const here = await render(local, 'here');
  // Faults on the way of a render heal, and change nothing.
  s3.fail({ kind: 'cut', request: 'GET /renders/farm/blobs', times: 2 });
  s3.fail({ kind: { status: 503, code: 'SlowDown' }, request: 'PUT /renders/farm/segments', times: 3 });
  const there = await render(store, 'there');
  expect(await frameDigests(store, 'there')).toEqual(await frameDigests(local, 'here'));
  expect(await decodeBarcodes(there.output)).toEqual(Array.from({ length: 40 }, (_, frame) => frame));
  expect(await sha256File(there.output)).toBe(await sha256File(here.output));
  expect(there.segments).toEqual({ total: 3, cached: 0, rendered: 3 });
  expect(there.seams).toMatchObject({ checked: 2, matched: 2 });

  expect((await render(store, 'again')).segments).toEqual({ total: 3, cached: 3, rendered: 0 });
});

test('the handlers over S3: output, result and sound in the bucket', async () => {
  await using handlers = new Handlers(store);
  const ref = await referenceTo(fixture('beeps'), store);
  const job = {
    id: 'beeps',
    composition: { source: 'beeps' },
    frameRange: [0, 20],
    chunking: { segments: 2 },
    outputPath: 'out.mp4',
  };
  await handlers.plan({ job, ref });
  const { frameJobs } = await readPlan(store, 'beeps');
  for (const frameJob of frameJobs) await handlers.render(frameJob);
  const { key } = await handlers.audio({ id: 'beeps' });
  expect(key).not.toBeNull();
  const result = await handlers.stitch({ id: 'beeps', audioKey: key });
  expect(result.output).toBe('s3://renders/farm/renders/beeps/output.mp4');
  expect(await store.head('renders/beeps/output.mp4')).toMatchObject({ size: result.bytes });
  expect(await readJson(store, keys.result('beeps'))).toMatchObject({ id: 'beeps', frames: 20 });
});

test.each(['a file', 'the manifest'])('%s of a composition that is damaged is put again', async (what) => {
  const fresh = path.join(folder, what);
  await cp(fixture('barcode-raf'), fresh, { recursive: true });
  await writeFile(path.join(fresh, 'note.txt'), what);
  const { digest, manifest } = await createBundle(store, fresh);
  const file = manifest.files['index.html'];
  const key = what === 'a file' ? blobKey(file?.sha256 as string) : bundleKey(digest);
  const sound = await readBytes(store, key);
  await store.put(key, Buffer.alloc(sound.length, 7));

  const { output } = await render(store, 'healed', fresh);

  expect(await decodeBarcodes(output)).toEqual(Array.from({ length: 40 }, (_, frame) => frame));
  expect(await readBytes(store, key)).toEqual(sound);
});

test.each(['damaged', 'gone'])('a file of the composition that is %s is named', async (what) => {
  const ref = await referenceTo(source, store);
  if (ref.kind !== 'bundle') throw new Error('no bundle');
  const clip = (await readBundle(store, ref.digest)).files['clip.mp4'];
  const key = blobKey(clip?.sha256 ?? '');
  if (what === 'gone') await store.delete(key);
  else await store.put(key, Buffer.alloc(clip?.size ?? 0, 7));
  await using handlers = new Handlers(store);
  const job = { id: what, composition: { source, inputProps: { what } }, outputPath: 'out.mp4' };
  await expect(handlers.plan({ job: { ...job, frameRange: [0, 5] }, ref })).rejects.toMatchObject({
    name: what === 'gone' ? 'NotFoundError' : 'BlobDamagedError',
    message: expect.stringContaining("The composition's file clip.mp4 can't be had"),
    details: { key, file: 'clip.mp4' },
  });
});
