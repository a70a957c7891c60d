import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CloudRunAdapter } from '../../src/adapters/cloud-run-adapter.ts';
import { JobOrchestrator } from '../../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { readSegmentRecord } from '../../src/storage/segment-record.ts';
import type { RenderProgress } from '../../src/types/render-result.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { FaultyProxy, type ProxyFault } from '../helpers/faulty-proxy.ts';
import { until, untilTool } from '../helpers/processes.ts';
import { digests, fixture, type Rendered, Renderer } from '../helpers/renderer.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { TestIdentity } from '../helpers/test-identity.ts';
import { TestImage } from '../helpers/test-image.ts';

const SEED = 20_261_125;
const sketch = { composition: { source: fixture('barcode-css') }, chunking: { segments: 12 } };

let gcs: TestGcs;
let identity: TestIdentity;
let image: TestImage;
let folder: string;
let local: Renderer;
let expected: Rendered;
let before: NodeJS.ProcessEnv;

beforeAll(async () => {
  before = { ...process.env };
  [gcs, identity, image, local] = await Promise.all([
    TestGcs.open('films'),
    TestIdentity.open(),
    TestImage.open(),
    Renderer.open(),
  ]);
  Object.assign(process.env, identity.env);
  folder = await mkdtemp(path.join(tmpdir(), 'helios-run-'));
  expected = await local.render(sketch);
}, 120_000);
afterAll(async () => {
  for (const part of [image, local, identity, gcs]) await part[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  process.env = before;
});

/** Numbers from 0 to 1, the same at each run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const KINDS: readonly ProxyFault[] = [
  'drop answer',
  'cut',
  'drop',
  { status: 429 },
  { status: 503 },
  { status: 429, retryAfter: '0' },
  { status: 503, retryAfter: '0' },
];

test('ends in the frames of the local render, whatever befalls requests and servers', async () => {
  await using proxy = await FaultyProxy.open();
  const env = {
    HELIOS_STORE: 'gs://films',
    HELIOS_CONCURRENCY: '1',
    HELIOS_AUDIENCE: proxy.url,
    HELIOS_CERTIFICATES_URL: identity.certificatesUrl,
    STORAGE_EMULATOR_HOST: gcs.endpoint,
  };
  const servers = await Promise.all([image.serve(env), image.serve(env)]);
  proxy.instances = servers.map(({ url }) => url);
  const next = random(SEED);
  // Each kind once, every other request; then any.
  proxy.faults = (number) => {
    if (number <= 2 * KINDS.length) return number % 2 ? KINDS[number >> 1] : undefined;
    return next() < 0.3 ? KINDS[Math.floor(next() * KINDS.length)] : undefined;
  };
  const nextGcs = random(SEED + 1);
  let gcsFaults = 0;
  gcs.faults = () => {
    if (nextGcs() >= 0.02) return undefined;
    gcsFaults++;
    return 503;
  };
  using adapter = new CloudRunAdapter({ url: proxy.url, concurrency: 3, backoffMs: 20, attempts: 20 });
  await using worker = new ChromiumFrameWorker(openStore('gs://films'));
  const { server: victim } = servers[0] as (typeof servers)[number];
  let told: RenderProgress | undefined;
  const killed = until('four segments', async () => (told && told.segments.rendered >= 4 ? true : undefined))
    .then(() => untilTool(/ffmpeg .*-f matroska .*-segment-/, victim.pid))
    .then(() => victim.kill('SIGKILL'));
  const result = await new JobOrchestrator(worker, adapter).run(
    { ...sketch, id: 'faults', outputPath: path.join(folder, 'out.mp4') },
    {
      onProgress: (progress) => {
        told = progress;
      },
    },
  );

  await killed;
  expect(await victim.ended).toEqual({ status: null, signal: 'SIGKILL' });
  expect(result).toMatchObject({ frames: 90, segments: { total: 12 } });
  expect(told?.segments.retried).toBe(0);
  const plan = await readPlan(worker.store, 'faults');
  const records = await Promise.all(
    plan.frameJobs.map(({ segmentKey }) => readSegmentRecord(worker.store, segmentKey)),
  );
  expect(records.flatMap((record) => record?.frameDigests)).toEqual(digests(expected));
  expect(await decodeBarcodes(path.join(folder, 'out.mp4'))).toEqual(await decodeBarcodes(expected.file));
  const status = adapter.getStatus();
  expect(status).toMatchObject({ name: 'cloud-run', inFlight: 0, instances: 2 });
  // A straggler was sent a second time; the slower of the two is given up, or comes too late.
  const { duplicated = 0 } = result.segments;
  expect(status.completed).toBeGreaterThanOrEqual(12);
  expect(status.completed + status.failed).toBe(12 + duplicated);
  expect(status.resent).toBeGreaterThan(3);
  // The connection of a request that the killed server worked on is reset.
  expect(proxy.befallen).toEqual(
    expect.arrayContaining([429, 503, 'drop', 'drop answer', 'cut', 'ECONNRESET']),
  );
  expect(victim.lines.filter(({ message }) => message === 'render done').length).toBeGreaterThan(0);
  expect(new Set(identity.audiences)).toEqual(new Set([proxy.url]));
  expect(gcsFaults).toBeGreaterThan(0);
  gcs.faults = () => undefined;
}, 150_000);
