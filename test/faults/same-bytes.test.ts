import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { renderLocally } from '../../src/orchestrator/render-locally.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import { sha256File } from '../../src/utils/digest.ts';
import { type ChildOptions, type ChildOutcome, startChildRender } from '../helpers/child-render.ts';
import { descendantsOf, listProcesses, until, untilNoTools } from '../helpers/processes.ts';
import { FunctionEnded, TestLambda } from '../helpers/test-lambda.ts';
import { TestS3 } from '../helpers/test-s3.ts';
import { soakJob, writeComposition } from '../soak/composition.ts';

const helper = (name: string): string => fileURLToPath(new URL(`../helpers/${name}`, import.meta.url));
const jumpingClock = { NODE_OPTIONS: `--import=${helper('jumping-clock.ts')}` };
const oneCore = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

let folder: string;
let s3: TestS3;
let undisturbed: string;
let stores: Record<'local' | 's3', ObjectStore>;
const composition = (): string => path.join(folder, 'composition');
const output = (): string => path.join(folder, 'out', 'video.mp4');

beforeAll(async () => {
  s3 = await TestS3.open('renders');
  folder = await mkdtemp(path.join(tmpdir(), 'helios-same-'));
  stores = { local: new LocalStore(path.join(folder, 'store')), s3: new S3Store('s3://renders/same') };
  await writeComposition(composition());
  await Promise.all(
    Object.values(stores).map((store, index) =>
      renderLocally(soakJob(composition(), path.join(folder, `undisturbed-${index}.mp4`)), { store }),
    ),
  );
  undisturbed = await sha256File(path.join(folder, 'undisturbed-0.mp4'));
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  s3.reset();
  s3.checksTime = false;
  await rm(path.dirname(output()), { recursive: true, force: true });
  for (const store of Object.values(stores))
    for await (const { key } of store.list('segments/')) await store.delete(key);
});

function start(store: ObjectStore, options: ChildOptions = {}) {
  return startChildRender(store.url, soakJob(composition(), output()), options);
}

/** Renders in a process of its own, checks that nothing is left of it. */
async function run(store: ObjectStore, options: ChildOptions = {}): Promise<ChildOutcome> {
  const { pid, ended } = start(store, options);
  const outcome = await ended;
  expect(outcome.stderr).toBe('');
  await untilNoTools(pid);
  return outcome;
}

/** Checks the output's bytes, and that nothing lies beside it. */
async function expectTheSame(): Promise<void> {
  expect(await sha256File(output())).toBe(undisturbed);
  expect(await readdir(path.dirname(output()))).toEqual(['video.mp4']);
}

test('undisturbed, over a folder and over S3', async () => {
  expect(await sha256File(path.join(folder, 'undisturbed-1.mp4'))).toBe(undisturbed);
});

test.runIf(oneCore)('on a machine with fewer cores', async () => {
  const { error } = await run(stores.local, { wrapper: ['taskset', '-c', '0'] });
  expect(error).toBeUndefined();
  await expectTheSame();
});

test("after a farm's worker was killed", async () => {
  let killed = 0;
  await using _lambda = await TestLambda.open({
    render: async (event) => {
      const child = promisify(execFile)(process.execPath, [
        helper('worker-child.ts'),
        stores.s3.url,
        JSON.stringify(event),
      ]);
      const { pid = 0 } = child.child;
      if (killed++ === 0) {
        await until('its browser', async () => descendantsOf(pid, await listProcesses()).size || undefined);
        child.child.kill('SIGKILL');
      }
      const { stdout } = await child.catch(() => {
        throw new FunctionEnded();
      });
      return JSON.parse(stdout);
    },
  });
  const { error, result } = await run(stores.s3, { functionName: 'render' });
  expect(error).toBeUndefined();
  expect(result?.segments.rendered).toBe(3);
  expect(killed).toBe(4);
  await expectTheSame();
});

describe('with an S3', () => {
  const times = Number.POSITIVE_INFINITY;

  test('that is slow, and now and then refuses, resets, loses, cuts and changes an answer', async () => {
    s3.fail({ kind: { status: 503, code: 'SlowDown' }, every: 4, times });
    s3.fail({ kind: 'reset', every: 5, times });
    s3.fail({ kind: 'lost answer', every: 6, times });
    s3.fail({ kind: 'cut', request: 'GET', every: 3, times });
    s3.fail({ kind: 'flip', request: 'GET /renders/same/segments', every: 4, times });
    s3.fail({ kind: 'slow', every: 2, times });
    const { error } = await run(stores.s3);
    expect(error).toBeUndefined();
    await expectTheSame();
  });

  test('that is away for longer than it is waited for, and comes back', async () => {
    const impatient = new S3Store(stores.s3.url, { idleSeconds: 1, retrySeconds: 1 });
    const job = soakJob(composition(), output());
    const segments = 'PUT /renders/same/segments';
    s3.fail({ kind: { status: 503, code: 'ServiceUnavailable' }, request: segments, times });
    const failing = renderLocally(job, { store: impatient, concurrency: 1 });
    await expect(failing).rejects.toMatchObject({ name: 'StorageError', retryable: true });
    expect(await readdir(folder)).not.toContain('out');
    s3.reset();
    await renderLocally(job, { store: impatient, concurrency: 1 });
    await expectTheSame();
  });

  test('that looks at the time of requests, from a machine whose clock jumps', async () => {
    s3.checksTime = true;
    const { error } = await run(stores.s3, { env: jumpingClock });
    expect(error).toBeUndefined();
    await expectTheSame();
  });
});

test('in a folder, with a clock that jumps', async () => {
  const { error } = await run(stores.local, { env: jumpingClock });
  expect(error).toBeUndefined();
  await expectTheSame();
});

test('after a rest of the whole machine', async () => {
  let rendering = false;
  const { pid, ended } = start(stores.local, {
    onProgress: ({ phase }) => {
      rendering = phase === 'render';
    },
  });
  await until('frames', () => rendering || undefined);
  const all = [pid, ...descendantsOf(pid, await listProcesses())];
  const tell = (signal: NodeJS.Signals): void => {
    for (const id of all) {
      try {
        process.kill(id, signal);
      } catch {
        // Ended meanwhile.
      }
    }
  };
  tell('SIGSTOP');
  await sleep(2_000);
  tell('SIGCONT');
  expect((await ended).error).toBeUndefined();
  await expectTheSame();
});

test.runIf(canMount)('after a full disk', async () => {
  const disk = path.join(folder, 'disk');
  await mkdir(disk);
  const script = `mount -t tmpfs -o size=4m tmpfs "${disk}" && exec "$@"`;
  const wrapper = ['unshare', '-rm', 'sh', '-c', script, 'sh'];
  const { error } = await run(stores.local, { wrapper, env: { TMPDIR: disk } });
  expect(error?.name).toBe('DiskFullError');
  expect(await readdir(folder)).not.toContain('out');
  expect((await run(stores.local)).error).toBeUndefined();
  await expectTheSame();
});
