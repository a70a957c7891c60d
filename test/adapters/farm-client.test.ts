import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { downloadOutput } from '../../src/adapters/download-output.ts';
import { findFarm } from '../../src/adapters/farm.ts';
import { FarmClient } from '../../src/adapters/farm-client.ts';
import { costOf, useByTimings } from '../../src/orchestrator/cost.ts';
import { keys } from '../../src/storage/keys.ts';
import { putJson } from '../../src/storage/object-store.ts';
import type { FarmProgress } from '../../src/types/farm.ts';
import { defaultSizes } from '../../src/types/function-sizes.ts';
import { BrowserCrashedError, PageScriptError } from '../../src/utils/errors.ts';
import { fixture } from '../helpers/renderer.ts';
import { TestFarm } from '../helpers/test-farm.ts';

const job = (id: string, segments = 3) => ({
  id,
  composition: { source: fixture('barcode-css') },
  outputPath: `somewhere/${id}.mp4`,
  chunking: { segments },
});
const quick = { pollMs: 20 };

let farm: TestFarm;
let client: FarmClient;

beforeEach(async () => {
  farm = await TestFarm.open();
  client = await FarmClient.open(await findFarm());
});
afterEach(async () => {
  client[Symbol.dispose]();
  await farm[Symbol.asyncDispose]();
});

/** Lets a render go on when it is told to. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

test('finds a farm, and says where there is none, or none of this version', async () => {
  expect(await findFarm()).toEqual(farm.parameter);
  await expect(findFarm('films')).rejects.toMatchObject({
    name: 'FarmNotFoundError',
    message: expect.stringMatching(/no farm films in us-east-1.*helios-infra deploy --farm films/),
  });
  await expect(findFarm('No Farm')).rejects.toMatchObject({ name: 'ValidationError' });
  await using old = await TestFarm.open({ version: '0.0.1' });
  await expect(findFarm()).rejects.toMatchObject({ name: 'VersionMismatchError' });
  expect(await findFarm('default', { anyVersion: true })).toEqual(old.parameter);
});

test('says which credentials and region are missing', async () => {
  vi.stubEnv('AWS_REGION', undefined);
  await expect(findFarm()).rejects.toMatchObject({ name: 'RegionError' });
  vi.unstubAllEnvs();
});

test('renders, tells its progress, and brings the output', async () => {
  const started = await client.startRender(job('whole'));
  expect(started).toEqual({ id: 'whole', status: 'running', execution: 'whole', started: true });
  const told: FarmProgress[] = [];
  const result = await client.waitForRender('whole', { ...quick, onProgress: (now) => told.push(now) });
  expect(result).toMatchObject({ id: 'whole', frames: 30, segments: { total: 3, rendered: 3 } });
  expect(told.at(-1)).toMatchObject({
    status: 'succeeded',
    framesDone: 30,
    framesTotal: 30,
    segments: { total: 3, rendered: 3, cached: 0, queued: 0, inFlight: 0, failed: 0, retried: 0 },
  });
  expect(told.at(-1)?.costSoFar).toBeGreaterThan(0);
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-download-'));
  const file = path.join(folder, 'film.mp4');
  expect(await downloadOutput(client.store, 'whole', file)).toEqual({ output: file, bytes: 6 });
  expect(await readFile(file, 'utf8')).toBe('a film');
  await client.store.put(keys.output('whole', 'mkv'), 'another');
  const other = path.join(folder, 'film.mkv');
  expect(await downloadOutput(client.store, 'whole', other)).toEqual({ output: other, bytes: 7 });
  expect(await downloadOutput(client.store, 'whole', file)).toEqual({ output: file, bytes: 6 });
  await expect(downloadOutput(client.store, 'whole', `${file}.gif`)).rejects.toMatchObject({
    name: 'ValidationError',
  });
  await rm(folder, { recursive: true });
});

test('refuses a job that could pass a state’s limit with an error beside it', async () => {
  const sized = (id: string, bytes: number) => ({
    ...job(id),
    composition: { source: fixture('barcode-css'), inputProps: { text: 'x'.repeat(bytes) } },
  });
  await expect(client.startRender(sized('large', 205_000))).rejects.toMatchObject({
    name: 'ValidationError',
    details: { limit: 200 * 1024 },
  });
  expect(await client.startRender(sized('fits', 200_000))).toMatchObject({ started: true });
});

test('tells the whole result of the store, not the bounded one of the execution', async () => {
  await client.startRender(job('long'));
  const told = await client.waitForRender('long', quick);
  await putJson(client.store, keys.result('long'), { ...told, warnings: ['a', 'b'] });
  expect(await client.getResult('long')).toMatchObject({ warnings: ['a', 'b'] });
});

test('keeps the paths of this machine to itself', async () => {
  await client.startRender(job('private'));
  const { input = '' } = farm.executions.get('private') ?? {};
  expect(JSON.parse(input)).toMatchObject({
    job: { id: 'private', outputPath: 'output.mp4', composition: { source: 'barcode-css' } },
    ref: { kind: 'bundle', entry: 'index.html' },
  });
});

test('does not render a job twice, while it runs and when it has ended', async () => {
  const renders: number[] = [];
  const { promise, open } = gate();
  farm.onRender = async ({ index }) => {
    renders.push(index);
    await promise;
  };
  await client.startRender(job('twice'));
  expect(await client.startRender(job('twice'))).toMatchObject({ started: false, status: 'running' });
  open();
  await client.waitForRender('twice', quick);
  expect(await client.startRender(job('twice'))).toMatchObject({ started: false, status: 'succeeded' });
  expect(renders.sort()).toEqual([0, 1, 2]);
  await expect(client.startRender(job('twice', 4))).rejects.toMatchObject({ name: 'ValidationError' });
});

test('tells what is at work, queued and tried again', async () => {
  const { promise, open } = gate();
  let crashes = 1;
  farm.onRender = async ({ index }) => {
    if (index === 0 && crashes-- > 0) throw new BrowserCrashedError('gone');
    if (index < 2) return;
    await promise;
  };
  await client.startRender(job('counted', 6));
  await vi.waitFor(async () => {
    const { segments, framesDone, phase } = await client.getProgress('counted');
    expect(phase).toBe('render');
    expect(segments).toEqual({
      total: 6,
      cached: 0,
      rendered: 2,
      inFlight: 2,
      queued: 2,
      failed: 0,
      retried: 1,
    });
    expect(framesDone).toBe(20);
  });
  open();
  await client.waitForRender('counted', quick);
});

test('throws the error of a failed render with its segment, and resumes with what is missing', async () => {
  let broken = true;
  const renders: number[] = [];
  farm.onRender = ({ index }) => {
    if (index === 2 && broken) throw new PageScriptError('Frame 22: boom');
    renders.push(index);
  };
  await client.startRender(job('fails'));
  await expect(client.waitForRender('fails', quick)).rejects.toMatchObject({
    name: 'PageScriptError',
    message: 'Frame 22: boom',
    details: { segment: 2, frames: '20–29', id: 'fails', execution: 'fails' },
  });
  await expect(client.waitForRender('fails', quick)).rejects.toBeInstanceOf(PageScriptError);
  broken = false;
  const before = renders.splice(0);
  expect(await client.resumeRender('fails')).toEqual({
    id: 'fails',
    status: 'running',
    execution: 'fails-r2',
    started: true,
  });
  await client.waitForRender('fails', quick);
  expect([...before, ...renders].sort()).toEqual([0, 1, 2]);
  expect(await client.getProgress('fails')).toMatchObject({
    execution: 'fails-r2',
    segments: { total: 3, cached: before.length, rendered: renders.length },
  });
  expect(await client.resumeRender('fails')).toMatchObject({ started: false, status: 'succeeded' });
});

test('resumes under the next number when another render has the name', async () => {
  farm.onRender = ({ id }) => {
    if (id === 'film') throw new PageScriptError('boom');
  };
  await client.startRender(job('film-r2'));
  await client.startRender(job('film'));
  await expect(client.waitForRender('film', quick)).rejects.toBeInstanceOf(PageScriptError);
  expect(await client.resumeRender('film')).toMatchObject({ execution: 'film-r3', started: true });
  await expect(client.waitForRender('film', quick)).rejects.toMatchObject({
    details: { execution: 'film-r3' },
  });
  expect(await client.resumeRender('film')).toMatchObject({ execution: 'film-r4', started: true });
});

test('says so when somebody else resumed it first', async () => {
  farm.onRender = () => {
    throw new PageScriptError('boom');
  };
  await client.startRender(job('shared'));
  await expect(client.waitForRender('shared', quick)).rejects.toBeInstanceOf(PageScriptError);
  const remove = client.store.delete.bind(client.store);
  // Between the look at what there is and the start, the other one's execution begins and ends.
  vi.spyOn(client.store, 'delete').mockImplementationOnce(async (key) => {
    await remove(key);
    const first = farm.executions.get('shared') as NonNullable<ReturnType<typeof farm.executions.get>>;
    farm.executions.set('shared-r2', { ...first, status: 'SUCCEEDED' });
  });
  expect(await client.resumeRender('shared')).toEqual({
    id: 'shared',
    status: 'succeeded',
    execution: 'shared-r2',
    started: false,
  });
});

test('cancels a render, which can be resumed', async () => {
  const { promise, open } = gate();
  farm.onRender = () => promise;
  await client.startRender(job('stopped'));
  expect(await client.cancelRender('stopped')).toBe('cancelled');
  await expect(client.waitForRender('stopped', quick)).rejects.toMatchObject({
    name: 'AbortedError',
    message: expect.stringContaining('helios-infra resume stopped'),
  });
  open();
  expect(await client.resumeRender('stopped')).toMatchObject({ execution: 'stopped-r2', started: true });
  expect(await client.waitForRender('stopped', quick)).toMatchObject({ frames: 30 });
  expect(await client.cancelRender('stopped')).toBe('succeeded');
});

test('stops waiting when its signal fires, and the render goes on', async () => {
  const { promise, open } = gate();
  farm.onRender = () => promise;
  await client.startRender(job('left'));
  const waiting = client.waitForRender('left', { ...quick, signal: AbortSignal.timeout(100) });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortedError' });
  open();
  expect(await client.waitForRender('left', quick)).toMatchObject({ id: 'left' });
});

test('says what a render cost, part by part', async () => {
  await client.startRender(job('paid'));
  const { timings } = await client.waitForRender('paid', quick);
  const { functions, cost, transitions } = await client.getCost('paid');
  expect(cost).toEqual(costOf(useByTimings(timings, 3, 3), defaultSizes));
  expect(functions.render?.count).toBe(3);
  expect(functions.plan?.count).toBe(1);
  expect(transitions).toBeGreaterThan(5);
  const parts = Object.values(cost.functions).reduce((sum, part) => sum + part, 0);
  expect(cost.total).toBeCloseTo(parts + cost.stateMachine + cost.storage, 12);
});

test('knows no render of another id', async () => {
  await expect(client.getProgress('nobody')).rejects.toMatchObject({ name: 'RenderNotFoundError' });
});
