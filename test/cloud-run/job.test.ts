import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findGcpFarm } from '../../src/adapters/gcp-farm.ts';
import { GcpFarmClient } from '../../src/adapters/gcp-farm-client.ts';
import { keys } from '../../src/storage/keys.ts';
import { type ObjectStore, putJson, readJson } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { packageVersion } from '../../src/utils/package-version.ts';
import { Cli } from '../cli/run-cli.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { until } from '../helpers/processes.ts';
import { fixture } from '../helpers/renderer.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { TestIdentity } from '../helpers/test-identity.ts';
import { TestImage } from '../helpers/test-image.ts';
import { TestRunApi } from '../helpers/test-run-api.ts';

const bucket = 'project-helios-default';
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, n) => start + n);

let gcs: TestGcs;
let identity: TestIdentity;
let image: TestImage;
let api: TestRunApi;
let store: ObjectStore;
let folder: string;
let cli: Cli;
let before: NodeJS.ProcessEnv;

beforeAll(async () => {
  before = { ...process.env };
  [gcs, identity, image] = await Promise.all([TestGcs.open(bucket), TestIdentity.open(), TestImage.open()]);
  const env = { HELIOS_STORE: `gs://${bucket}`, STORAGE_EMULATOR_HOST: gcs.endpoint };
  const { url } = await image.serve({
    ...env,
    HELIOS_AUDIENCE: 'https://farm.example',
    HELIOS_CERTIFICATES_URL: identity.certificatesUrl,
  });
  const job = { ...env, ...identity.env, HELIOS_SERVICE_URL: url, HELIOS_AUDIENCE: 'https://farm.example' };
  api = await TestRunApi.open((more) => image.start('job', { ...job, ...more, HELIOS_MAX_PARALLEL: '1' }));
  Object.assign(process.env, identity.env, { CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN: api.url });
  store = openStore(`gs://${bucket}`);
  const farm = {
    version: packageVersion(),
    project: 'project',
    region: 'europe-west1',
    bucket,
    serviceUrl: url,
  };
  await putJson(store, 'farm.json', { ...farm, job: 'helios-default-job' });
  folder = await mkdtemp(path.join(tmpdir(), 'helios-job-'));
  await mkdir(path.join(folder, 'temp'));
  cli = new Cli(folder, path.join(folder, 'temp'));
}, 120_000);
afterAll(async () => {
  for (const part of [image, api, identity, gcs]) await part[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  process.env = before;
});

const segmentsInStore = async (): Promise<number> => {
  let found = 0;
  for await (const { key } of store.list('segments/')) if (key.endsWith('.json')) found++;
  return found;
};

test('a render from the command goes on when its job is killed, from its segments', async () => {
  const render = [
    'render',
    fixture('barcode-css'),
    '--on',
    'cloud-run',
    '--id',
    'killed',
    '--frames',
    '0-39',
  ];
  const { ended } = cli.start([...render, '--segments', '8', '-o', 'film.mp4', '--json']);
  await until('two segments', async () => ((await segmentsInStore()) >= 2 ? true : undefined));
  api.attempts[0]?.kill('SIGKILL');
  const { status, stderr, lines } = await ended;

  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(lines()[0]).toMatchObject({
    type: 'started',
    id: 'killed',
    execution: 'helios-default-job-0',
    started: true,
  });
  const result = lines().at(-1) as { segments: { cached: number } };
  expect(result).toMatchObject({
    type: 'result',
    frames: 40,
    output: cli.path('film.mp4'),
    segments: { total: 8 },
  });
  expect(result.segments.cached).toBeGreaterThanOrEqual(2);
  expect(await decodeBarcodes(cli.path('film.mp4'))).toEqual(range(0, 40));
  expect(api.attempts).toHaveLength(2);
  expect(api.started).toEqual([{ HELIOS_RENDER: 'killed' }]);
  expect([...api.authorizations]).toEqual(['Bearer access']);
  expect(await readJson(store, keys.result('killed'))).toMatchObject({
    output: `gs://${bucket}/renders/killed/output.mp4`,
  });

  const again = await cli.run(['status', 'killed', '--on', 'cloud-run', '--json']);
  expect(again.lines()[0]).toMatchObject({ type: 'status', status: 'succeeded', result: { frames: 40 } });
  const twice = await cli.run([...render, '--segments', '8', '-o', 'film.mp4', '--json']);
  expect(twice.lines()[0]).toMatchObject({ type: 'started', started: false, status: 'succeeded' });
  const other = await cli.run([...render, '--segments', '2', '-o', 'film.mp4']);
  expect(other.stderr).toContain('The id killed belongs to another render');
}, 120_000);

test('cancels a render, and resumes it', async () => {
  using client = new GcpFarmClient(await findGcpFarm('default'));
  const composition = { source: fixture('barcode-css') };
  const job = { id: 'stopped', composition, frameRange: [40, 70] as [number, number], outputPath: 'out.mp4' };
  const found = await segmentsInStore();
  expect(await client.startRender({ ...job, chunking: { segments: 6 } })).toMatchObject({ started: true });
  await until('a segment', async () => ((await segmentsInStore()) > found ? true : undefined));
  // The render must not be done before the command has started.
  api.attempts.at(-1)?.kill('SIGSTOP');
  expect(await client.getProgress('stopped')).toMatchObject({
    status: 'running',
    execution: 'helios-default-job-1',
  });
  const on = (command: string, ...more: string[]) =>
    cli.run([command, 'stopped', '--on', 'cloud-run', ...more]);
  const cancelled = await on('cancel');
  expect(cancelled.stdout).toContain('go on with: helios-infra resume stopped --on cloud-run');
  expect(await client.getProgress('stopped')).toMatchObject({ status: 'cancelled' });
  expect(await api.attempts.at(-1)?.ended).toEqual({ status: 1, signal: null });
  const watched = await on('watch');
  expect(watched.status).not.toBe(0);
  expect(watched.stderr).toContain('AbortedError');
  expect(watched.stderr).toContain('go on with: helios-infra resume stopped --on cloud-run');
  expect((await on('download')).stderr).toContain('AbortedError');

  const resumed = await on('resume', '--no-wait', '--json');
  expect(resumed.lines()).toEqual([
    expect.objectContaining({ type: 'started', started: true, execution: 'helios-default-job-2' }),
  ]);
  const { status, lines } = await on('watch', '--json');
  expect(status).toBe(0);
  const told = lines();
  expect(told.at(-1)).toMatchObject({ type: 'result', frames: 30, segments: { total: 6 } });
  const { segments } = told.at(-1) as { segments: { cached: number } };
  expect(segments.cached).toBeGreaterThanOrEqual(1);
  expect(told.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({
    status: 'succeeded',
    segments: { queued: 0, inFlight: 0, failed: 0 },
  });
  expect((await on('download', '-o', 'stopped.mp4')).status).toBe(0);
  expect(await decodeBarcodes(cli.path('stopped.mp4'))).toEqual(range(40, 70));
  expect((await on('cancel')).stdout).toContain('stopped had ended before: succeeded');
  expect((await on('resume')).stdout).toContain('there is nothing to resume');
}, 120_000);

test('what can’t heal is told, and not tried again', async () => {
  const attempts = api.attempts.length;
  const page = fixture('bad/script-throws-at-frame-20');
  const failed = await cli.run([
    'render',
    page,
    '--on',
    'cloud-run',
    '--id',
    'broken',
    '-o',
    'no.mp4',
    '--segments',
    '2',
  ]);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('✗ PageScriptError');
  expect(failed.stderr).toContain('execution: helios-default-job-3');
  expect(failed.stderr).toContain('helios-infra resume broken --on cloud-run');
  const lines = api.attempts.slice(attempts).map((program) => program.lines);
  const rendering = lines.filter((told) => told.some(({ message }) => String(message).startsWith('failed:')));
  expect(rendering).toHaveLength(4);
  expect(await readJson(store, keys.error('broken'))).toMatchObject({
    name: 'PageScriptError',
    execution: 'helios-default-job-3',
  });
}, 120_000);

test('says what is not there', async () => {
  using client = new GcpFarmClient(await findGcpFarm('default'));
  await expect(client.getProgress('nobody')).rejects.toMatchObject({ name: 'RenderNotFoundError' });
  await expect(findGcpFarm('films')).rejects.toMatchObject({
    name: 'FarmNotFoundError',
    message: expect.stringMatching(/no farm films in the project project.*deploy --to gcp --farm films/),
  });
  const budget = { maxCost: 1 };
  const job = { id: 'paid', composition: { source: fixture('barcode-css') }, outputPath: 'out.mp4', budget };
  await expect(client.startRender(job)).rejects.toMatchObject({ name: 'ValidationError' });
});

test('puts an output into the bucket that is never a file of the job', async () => {
  const files: string[] = [];
  gcs.faults = (request) => {
    if (/^P.*output\.mp4/.test(request))
      files.push(...readdirSync(api.attempts.at(-1)?.home as string, { recursive: true, encoding: 'utf8' }));
    return undefined;
  };
  const render = [
    'render',
    fixture('barcode-css'),
    '--on',
    'cloud-run',
    '--id',
    'straight',
    '--frames',
    '0-9',
  ];
  const { status, lines } = await cli.run([...render, '-o', 'straight.mp4', '--json']);
  gcs.faults = () => undefined;
  expect(status).toBe(0);
  expect(lines().at(-1)).toMatchObject({ type: 'result', joinedBy: 'kit' });
  expect(await decodeBarcodes(cli.path('straight.mp4'))).toEqual(range(0, 10));
  expect(files).not.toEqual([]);
  expect(files.filter((file) => /output|stitch|\.mp4/.test(file))).toEqual([]);
}, 120_000);
