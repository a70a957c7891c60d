import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseJob, referenceTo } from '../../src/orchestrator/job-orchestrator.ts';
import { planStep } from '../../src/orchestrator/steps.ts';
import { keys } from '../../src/storage/keys.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import { packageVersion } from '../../src/utils/package-version.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { workerVersion } from '../../src/worker/worker-version.ts';
import { toolsOf, until, untilNoTools, untilTool } from '../helpers/processes.ts';
import { fixture } from '../helpers/renderer.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { CALLER, idToken, TestIdentity } from '../helpers/test-identity.ts';
import { canMountReadOnly, type RunningProgram, TestImage } from '../helpers/test-image.ts';

const audience = 'https://service.example';

let gcs: TestGcs;
let identity: TestIdentity;
let image: TestImage;
let worker: ChromiumFrameWorker;
let server: RunningProgram;
let url: string;

beforeAll(async () => {
  [gcs, identity, image] = await Promise.all([TestGcs.open('films'), TestIdentity.open(), TestImage.open()]);
  worker = new ChromiumFrameWorker(openStore('gs://films'));
  ({ server, url } = await serve());
});
afterAll(async () => {
  for (const part of [worker, image, identity, gcs]) await part[Symbol.asyncDispose]();
});

const serve = (env: Readonly<Record<string, string>> = {}) =>
  image.serve(
    {
      HELIOS_STORE: 'gs://films',
      STORAGE_EMULATOR_HOST: gcs.endpoint,
      HELIOS_AUDIENCE: audience,
      HELIOS_CALLERS: CALLER,
      HELIOS_CERTIFICATES_URL: identity.certificatesUrl,
      HELIOS_CONCURRENCY: '1',
      ...env,
    },
    canMountReadOnly,
  );

interface Asked {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly at?: string;
}

async function ask(
  route: string,
  body: unknown,
  { token = idToken(audience), at = url, ...rest }: Asked = {},
) {
  const answer = await fetch(`${at}/${route}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...rest.headers },
    ...(rest.signal ? { signal: rest.signal } : {}),
  });
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Record<string, unknown>,
  };
}

/** One frame job over a whole composition. */
async function frameJob(id: string, more: object = {}): Promise<FrameJob> {
  const composition = { source: fixture('barcode-css') };
  const ref = await referenceTo(composition.source, worker.store);
  const job = parseJob({ id, composition, outputPath: 'out.mp4', chunking: { segments: 1 }, ...more });
  return (await planStep(job, { ref, worker, capacity: 1 })).frameJobs[0] as FrameJob;
}

test('tells who it is, without a token', async () => {
  const health = await fetch(`${url}/health`);
  expect(await health.json()).toMatchObject({ status: 'ok', version: packageVersion() });
  const readiness = await fetch(`${url}/readiness`);
  expect(readiness.status).toBe(200);
  expect(readiness.headers.get('helios-worker-version')).toBe(await workerVersion());
  expect(await readiness.json()).toMatchObject({ status: 'ready', capacity: 1, inFlight: 0 });
});

test('is a process of a user without rights', async () => {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  const nobody = '65534';
  const user = process.getuid?.() === 0 ? nobody : String(process.getuid?.());
  expect(/^Uid:\s+(\d+)\s+(\d+)/m.exec(status)?.slice(1)).toEqual([user, user]);
  expect(/^CapEff:\s+0+$/m.test(status)).toBe(true);
});

test.runIf(canMountReadOnly)('writes in its temporary folder alone', async () => {
  const mounts = await readFile(`/proc/${server.pid}/mounts`, 'utf8');
  expect(/^\S+ \/ \S+ (\w+)/m.exec(mounts)?.[1]).toBe('ro');
});

test('plans, renders, mixes and joins', async () => {
  const source = fixture('barcode-css');
  const ref = await referenceTo(source, worker.store);
  const job = {
    id: 'whole',
    composition: { source: 'barcode-css' },
    outputPath: 'out.mp4',
    frameRange: [0, 20],
  };
  const planned = await ask('plan', { job: { ...job, chunking: { segments: 2 } }, ref });
  expect(planned).toMatchObject({ status: 200, body: { id: 'whole', frames: 20, segments: 2 } });
  for (const index of [0, 1])
    expect(await ask('render', { id: 'whole', index })).toMatchObject({ status: 200, body: { frames: 10 } });
  const mixed = await ask('audio', { id: 'whole' });
  expect(mixed).toMatchObject({ status: 200, body: { key: null } });
  const joined = await ask('stitch', { id: 'whole', audioKey: null });
  expect(joined.body).toMatchObject({ frames: 20, output: 'gs://films/renders/whole/output.mp4' });
  expect(await worker.store.head('renders/whole/output.mp4')).toMatchObject({ size: joined.body.bytes });
});

/** Nothing is at work but browsers that wait for the next job. */
function untilNoEncoder(): Promise<true> {
  return until('the end of encoders', async () => {
    const tools = await toolsOf(server.pid);
    return tools.some(({ command }) => command.includes('ffmpeg')) ? undefined : true;
  });
}

test.each([
  ['no token', null, 401, 'CredentialsError'],
  ['a token that is none', 'x.y.z', 401, 'CredentialsError'],
  ['a token for another service', idToken('https://other.example'), 401, 'CredentialsError'],
  ['a token of another issuer', idToken(audience, { iss: 'https://evil.example' }), 401, 'CredentialsError'],
  ['an expired token', idToken(audience, { iat: 1_000, exp: 2_000 }), 401, 'CredentialsError'],
  [
    'a token signed by another key',
    idToken(audience, {}, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    401,
    'CredentialsError',
  ],
  [
    'a token whose signature Cloud Run took off',
    `${idToken(audience).split('.', 2).join('.')}.SIGNATURE_REMOVED_BY_GOOGLE`,
    401,
    'CredentialsError',
  ],
  ['a token of another account', idToken(audience, { email: 'else@example.com' }), 403, 'AccessDeniedError'],
  ['an address that is not verified', idToken(audience, { email_verified: false }), 403, 'AccessDeniedError'],
] as const)('refuses %s', async (_, token, status, name) => {
  for (const route of ['plan', 'render', 'audio', 'stitch']) {
    const refused = await ask(route, {}, { token });
    expect(refused).toMatchObject({ status, body: { name, retryable: false } });
    expect(refused.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
  }
});

test('refuses what is too large, no JSON, no event, or nowhere', async () => {
  const large = JSON.stringify({ id: 'x', index: 0, more: 'x'.repeat(6 * 1024 ** 2) });
  expect(await ask('render', large)).toMatchObject({ status: 413, body: { name: 'ValidationError' } });
  const pieces = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(6 * 1024 ** 2).fill(32));
      controller.enqueue(new Uint8Array(1024).fill(32));
      controller.close();
    },
  });
  const streamed = await fetch(`${url}/render`, {
    method: 'POST',
    body: pieces,
    duplex: 'half',
    headers: { authorization: `Bearer ${idToken(audience)}` },
  } as RequestInit);
  expect(streamed.status).toBe(413);
  expect(await ask('render', '{')).toMatchObject({ status: 400, body: { name: 'ValidationError' } });
  expect(await ask('render', { id: '../x' })).toMatchObject({
    status: 400,
    body: { name: 'ValidationError' },
  });
  expect(await ask('failure', {})).toMatchObject({ status: 404 });
  expect(await ask('stitch', { id: 'unknown' })).toMatchObject({
    status: 404,
    body: { name: 'NotFoundError' },
  });
});

test('refuses a job of another version before and behind its schema', async () => {
  const job = { ...(await frameJob('version')), workerVersion: 'another' };
  expect(await ask('render', job)).toMatchObject({
    status: 409,
    body: { name: 'VersionMismatchError', details: { planned: 'another' } },
  });
  const headers = { 'helios-worker-version': 'another' };
  expect(await ask('render', { id: 'x', index: 0 }, { headers })).toMatchObject({
    status: 409,
    body: { name: 'VersionMismatchError', retryable: false },
  });
});

test('works on one request at a time, and ends it when its caller goes away', async () => {
  const job = await frameJob('left', { encoding: { scale: 4 } });
  const gone = new AbortController();
  const left = ask('render', job, { signal: gone.signal }).catch((error: unknown) => error);
  await untilTool(/ffmpeg .*-f matroska .*-segment-/, server.pid);
  const refused = await ask('render', job);
  expect(refused).toMatchObject({ status: 429, body: { name: 'ThrottledError', retryable: true } });
  expect(refused.headers.get('retry-after')).toBe('1');
  const since = performance.now();
  gone.abort();
  expect(await left).toMatchObject({ name: 'AbortError' });
  await untilNoEncoder();
  expect(performance.now() - since).toBeLessThan(5_000);
  expect(await worker.store.head(keys.segmentRecord(job.segmentKey))).toBeUndefined();
  const next = await frameJob('next', { frameRange: [40, 50] });
  await until('a free slot', async () => ((await ask('render', next)).status === 200 ? true : undefined));
});

test('a request ends in its own time', async () => {
  const job = await frameJob('slow', { encoding: { scale: 4 }, frameRange: [0, 80] });
  const ended = await ask('render', job, { headers: { 'helios-timeout-seconds': '1' } });
  expect(ended).toMatchObject({ status: 504, body: { name: 'OutOfTimeError', details: { allowedMs: 500 } } });
});

test('after SIGTERM it finishes what it works on, and refuses all else', async () => {
  const own = await serve();
  const working = ask('render', await frameJob('finished', { frameRange: [50, 70] }), { at: own.url });
  await untilTool(/ffmpeg .*-f matroska .*-segment-/, own.server.pid);
  // A request that never gets whole.
  const stuck = connect(Number(new URL(own.url).port), '127.0.0.1').on('error', () => {});
  stuck.write('POST /render HTTP/1.1\r\nhost: service\r\n');
  own.server.kill('SIGTERM');
  await own.server.line(/^SIGTERM: ending$/);
  const refused = await ask('render', { id: 'x', index: 0 }, { at: own.url });
  expect(refused).toMatchObject({ status: 503, body: { name: 'CloudServiceError', retryable: true } });
  expect((await fetch(`${own.url}/readiness`)).status).toBe(503);
  expect(await working).toMatchObject({ status: 200, body: { frames: 20 } });
  const since = performance.now();
  expect(await own.server.ended).toEqual({ status: 0, signal: null });
  expect(performance.now() - since).toBeLessThan(5_000);
});

test('after SIGTERM it ends what would take too long', async () => {
  const own = await serve({ HELIOS_GRACE_SECONDS: '0.3' });
  const working = ask('render', await frameJob('cut-off', { encoding: { scale: 4 }, frameRange: [0, 70] }), {
    at: own.url,
  });
  await untilTool(/ffmpeg .*-f matroska .*-segment-/, own.server.pid);
  own.server.kill('SIGTERM');
  expect(await working).toMatchObject({ status: 503, body: { name: 'CloudServiceError', retryable: true } });
  expect(await own.server.ended).toEqual({ status: 0, signal: null });
  await untilNoTools(own.server.pid);
});
