import { afterEach, beforeEach, expect, test } from 'vitest';
import { GcpFarmClient } from '../../src/adapters/gcp-farm-client.ts';
import { keys } from '../../src/storage/keys.ts';
import { putJson } from '../../src/storage/object-store.ts';
import { resultOf } from '../helpers/test-farm.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { TestIdentity } from '../helpers/test-identity.ts';
import type { RunningProgram } from '../helpers/test-image.ts';
import { TestRunApi } from '../helpers/test-run-api.ts';

const farm = {
  name: 'default',
  version: '0',
  project: 'project',
  region: 'europe-west1',
  bucket: 'films',
  serviceUrl: 'https://farm.example',
  job: 'helios-default-job',
};
const input = { id: 'intro', composition: { source: 'https://example.com/' }, outputPath: 'out.mp4' };

let gcs: TestGcs;
let identity: TestIdentity;
let api: TestRunApi;
let before: NodeJS.ProcessEnv;
beforeEach(async () => {
  before = { ...process.env };
  [gcs, identity, api] = await Promise.all([
    TestGcs.open('films'),
    TestIdentity.open(),
    TestRunApi.open(idle),
  ]);
  Object.assign(process.env, identity.env, { CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN: api.url });
});
afterEach(async () => {
  for (const part of [api, identity, gcs]) await part[Symbol.asyncDispose]();
  process.env = before;
});

/** A program that does nothing until it is told to end. */
async function idle(): Promise<RunningProgram> {
  const { promise: ended, resolve } = Promise.withResolvers<Awaited<RunningProgram['ended']>>();
  const kill = (): void => resolve({ status: 1, signal: null });
  const line = () => Promise.reject(new Error('it has no log'));
  return { pid: 0, home: '/', lines: [], ended, kill, line };
}

test('a cancelled render has ended, and goes on at once with a progress of its own', async () => {
  using client = new GcpFarmClient(farm);
  expect(await client.startRender(input)).toMatchObject({ started: true, execution: 'helios-default-job-0' });
  const segments = { total: 4, cached: 0, rendered: 3, inFlight: 1, retried: 0 };
  const told = { phase: 'render', framesDone: 30, framesTotal: 40, framesPerSecond: 1, secondsLeft: 10 };
  await putJson(client.store, keys.progressOfRun('intro'), { ...told, segments });
  expect(await client.getProgress('intro')).toMatchObject({ status: 'running', framesDone: 30 });

  const since = performance.now();
  expect(await client.cancelRender('intro')).toBe('cancelled');
  expect(performance.now() - since).toBeGreaterThan(api.cancelMs);
  expect(await client.getProgress('intro')).toMatchObject({ status: 'cancelled', framesDone: 30 });

  expect(await client.resumeRender('intro')).toMatchObject({
    started: true,
    execution: 'helios-default-job-1',
  });
  expect(await client.getProgress('intro')).toMatchObject({
    status: 'running',
    phase: 'bundle',
    framesDone: 0,
    segments: { total: 0, queued: 0 },
  });
});

test('one that does not end is told, and waited for by whoever goes on with it', async () => {
  using hasty = new GcpFarmClient(farm, { cancelSeconds: 0.1 });
  using client = new GcpFarmClient(farm);
  await hasty.startRender(input);
  await expect(hasty.cancelRender('intro')).rejects.toMatchObject({
    name: 'CloudServiceError',
    retryable: true,
    message: expect.stringMatching(/helios-default-job-0 .* not ended within 0.1 s/),
    details: { seconds: 0.1 },
  });
  await expect(hasty.startRender(input)).rejects.toMatchObject({ name: 'CloudServiceError' });
  expect(await client.startRender(input)).toMatchObject({ started: false, status: 'cancelled' });

  expect(await client.resumeRender('intro')).toMatchObject({ execution: 'helios-default-job-1' });
  await expect(hasty.cancelRender('intro')).rejects.toMatchObject({ name: 'CloudServiceError' });
  expect(await client.resumeRender('intro')).toMatchObject({
    started: true,
    execution: 'helios-default-job-2',
  });
});

test('a render whose execution is gone tells so, and can be started, resumed and fetched', async () => {
  using client = new GcpFarmClient(farm);
  await client.startRender(input);
  api.forget();
  await expect(client.getProgress('intro')).rejects.toMatchObject({
    name: 'RenderNotFoundError',
    message: expect.stringContaining('helios-infra resume intro --on cloud-run'),
  });
  await expect(client.getResult('intro')).rejects.toMatchObject({ name: 'RenderNotFoundError' });
  expect(await client.resumeRender('intro')).toMatchObject({ started: true, status: 'running' });
  api.forget();
  expect(await client.startRender(input)).toMatchObject({ started: true, status: 'running' });
  api.forget();
  const segments = { total: 3, cached: 0, rendered: 3 };
  await putJson(client.store, keys.result('intro'), resultOf('intro', 30, segments));
  expect(await client.getResult('intro')).toMatchObject({ id: 'intro', frames: 30 });
  await expect(client.resumeRender('never')).rejects.toMatchObject({ name: 'RenderNotFoundError' });
});
