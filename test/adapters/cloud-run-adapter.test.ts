import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { CloudRunAdapter, type CloudRunAdapterOptions } from '../../src/adapters/cloud-run-adapter.ts';
import type { FrameJob, FrameResult } from '../../src/types/frame-job.ts';
import { PageScriptError } from '../../src/utils/errors.ts';

const segmentKey = `${'a'.repeat(64)}/0-10`;
const job = { index: 0, segmentKey, workerVersion: 'v1' } as unknown as FrameJob;
const picture = { digest: 'a'.repeat(64), sha256: 'b'.repeat(64), key: 'first.png' };
const timings = {
  browser: 1,
  load: 1,
  firstFrame: 1,
  seek: 1,
  capture: 1,
  seams: 1,
  encodeWait: 1,
  frames: 1,
  total: 1,
};
const result: FrameResult = {
  index: 0,
  segmentKey,
  videoKey: `segments/${segmentKey}.mkv`,
  sha256: 'c'.repeat(64),
  bytes: 1,
  frames: 10,
  cached: false,
  captured: 10,
  firstPicture: picture,
  nextPicture: null,
  lastPicture: null,
  previousPicture: null,
  captureMode: 'begin-frame',
  warnings: [],
  timings,
  workerVersion: 'v1',
};
const worker = { renderFrame: () => Promise.reject(new Error('not here')) };

interface Told {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly afterMs?: number;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A service that answers as it is told, request by request; and what it was sent. */
async function open(
  answers: (number: number) => Told | 'hang',
  options: Partial<CloudRunAdapterOptions> = {},
) {
  const sent: { readonly at: number; readonly headers: Record<string, unknown> }[] = [];
  server = createServer((request, response) => {
    sent.push({ at: performance.now(), headers: request.headers });
    const told = answers(sent.length);
    if (told === 'hang') return;
    setTimeout(() => {
      response.writeHead(told.status, told.headers).end(JSON.stringify(told.body ?? ''));
    }, told.afterMs ?? 0);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { sent, url, adapter: new CloudRunAdapter({ url, backoffMs: 5, idToken: null, ...options }) };
}

const good: Told = { status: 200, body: result, headers: { 'helios-instance': 'one' } };
const ofInstance = (status: number, error: object, headers = {}): Told => ({
  status,
  body: error,
  headers: { 'helios-instance': 'one', ...headers },
});

test('sends the version, the time and the token, the latter twice', async () => {
  const { adapter, sent } = await open(() => good, { idToken: async () => 'a.b.c', timeoutSeconds: 30 });
  expect(await adapter.invoke(worker, job)).toEqual(result);
  expect(sent[0]?.headers).toMatchObject({
    authorization: 'Bearer a.b.c',
    'x-serverless-authorization': 'Bearer a.b.c',
    'helios-worker-version': 'v1',
    'helios-timeout-seconds': '30',
  });
  expect(adapter.getStatus()).toEqual({
    name: 'cloud-run',
    capacity: 100,
    inFlight: 0,
    completed: 1,
    failed: 0,
    resent: 0,
    instances: 1,
  });
});

test('waits as long as Retry-After says', async () => {
  const { adapter, sent } = await open((number) =>
    number === 1 ? { status: 429, headers: { 'retry-after': '1' } } : good,
  );
  await adapter.invoke(worker, job);
  expect((sent[1]?.at ?? 0) - (sent[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
});

test('waits for what Retry-After says no longer than it may be throttled', async () => {
  const { adapter, sent } = await open(
    (number) => (number === 1 ? { status: 429, headers: { 'retry-after': '3600' } } : good),
    { throttledSeconds: 0.5 },
  );
  await adapter.invoke(worker, job);
  const waited = (sent[1]?.at ?? 0) - (sent[0]?.at ?? 0);
  expect(waited).toBeGreaterThan(450);
  expect(waited).toBeLessThan(5_000);
});

test.each([
  ['500 of no instance', { status: 500 }, 2],
  ['503 of no instance', { status: 503 }, 2],
  ['502', { status: 502 }, 4],
  ['503 of an instance', { status: 503, headers: { 'helios-instance': 'one' } }, 4],
] as const)(
  'after a %s it makes fewer requests only when the front end said it',
  async (_, told, capacity) => {
    const { adapter, sent } = await open((number) => (number === 1 ? told : good), { concurrency: 4 });
    await adapter.invoke(worker, job);
    expect(sent).toHaveLength(2);
    expect(adapter.getStatus()).toMatchObject({ capacity, completed: 1, resent: 1 });
  },
);

test('makes fewer requests while it is throttled, and more again', async () => {
  const capacities: number[] = [];
  const { adapter } = await open(
    (number) => {
      if (number <= 8) return { status: 429 };
      capacities.push(adapter.getStatus().capacity);
      return good;
    },
    { concurrency: 8 },
  );
  await Promise.all(Array.from({ length: 8 }, () => adapter.invoke(worker, job)));
  expect(capacities[0]).toBeLessThanOrEqual(4);
  for (let round = 0; round < 40; round++) await adapter.invoke(worker, job);
  expect(adapter.getStatus()).toMatchObject({ capacity: 8, completed: 48, failed: 0, resent: 8 });
});

test('gives up on throttling, and on faults, that do not end', async () => {
  const throttled = await open(() => ({ status: 429 }), { throttledSeconds: 0.05 });
  await expect(throttled.adapter.invoke(worker, job)).rejects.toMatchObject({ name: 'ThrottledError' });
  server?.close();
  const broken = await open(() => ({ status: 502 }), { attempts: 3 });
  await expect(broken.adapter.invoke(worker, job)).rejects.toMatchObject({
    name: 'CloudServiceError',
    retryable: true,
    details: { status: 502 },
  });
  expect(broken.sent).toHaveLength(3);
  expect(broken.adapter.getStatus()).toMatchObject({ failed: 1, resent: 2 });
});

test('an error of the page is not sent again', async () => {
  const error = new PageScriptError('Frame 22: boom', { details: { frame: 22 } });
  const { adapter, sent } = await open(() => ofInstance(422, error.toJSON()));
  await expect(adapter.invoke(worker, job)).rejects.toMatchObject({
    name: 'PageScriptError',
    message: 'Frame 22: boom',
    details: { frame: 22 },
  });
  expect(sent).toHaveLength(1);
});

test.each([
  [401, 'CredentialsError'],
  [403, 'AccessDeniedError'],
  [404, 'RemoteError'],
])('%i of what stands before the service is a %s', async (status, name) => {
  const { adapter, sent } = await open(() => ({ status }));
  await expect(adapter.invoke(worker, job)).rejects.toMatchObject({ name, retryable: false });
  expect(sent).toHaveLength(1);
});

test('refuses the answer of another version, and one that is no segment', async () => {
  const other = await open(() => ({ ...good, body: { ...result, workerVersion: 'v2' } }));
  await expect(other.adapter.invoke(worker, job)).rejects.toMatchObject({
    name: 'VersionMismatchError',
    details: { planned: 'v1', worker: 'v2' },
  });
  server?.close();
  const none = await open(() => ({ ...good, body: { hello: 'world' } }));
  await expect(none.adapter.invoke(worker, job)).rejects.toMatchObject({ name: 'RemoteError' });
});

test('gives up on an answer that does not come in its time', async () => {
  const { adapter, sent, url } = await open(() => 'hang', { timeoutSeconds: 0.1 });
  const since = performance.now();
  await expect(adapter.invoke(worker, job)).rejects.toMatchObject({
    name: 'OutOfTimeError',
    retryable: true,
    message: expect.stringContaining('did not answer within 0.1 s'),
    details: { url: `${url}/render` },
  });
  // The service has 5 s more for telling that its time is over.
  expect(performance.now() - since).toBeGreaterThan(5_000);
  expect(sent).toHaveLength(1);
  expect(adapter.getStatus()).toMatchObject({ failed: 1, inFlight: 0 });
});

test('ends at once when its signal fires, and when nobody listens', async () => {
  const { adapter, url } = await open(() => 'hang');
  await expect(adapter.invoke(worker, job, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    name: 'AbortedError',
  });
  server?.closeAllConnections();
  server?.close();
  const alone = new CloudRunAdapter({ url, idToken: null, attempts: 2, backoffMs: 1 });
  await expect(alone.invoke(worker, job)).rejects.toMatchObject({ name: 'CloudServiceError' });
  expect(() => new CloudRunAdapter({ url: 'ftp://x' })).toThrow(/no address of a service/);
});
