import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ageFlag, bytesFlag } from '../../src/cli/flag-values.ts';
import type { CachedBundle, CachedContent } from '../../src/orchestrator/cache-list.ts';
import { renderLocally } from '../../src/orchestrator/render-locally.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { type ObjectStore, putJson } from '../../src/storage/object-store.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import type { FrameRange } from '../../src/types/render-job.ts';
import { TestS3 } from '../helpers/test-s3.ts';
import { Cli, fixture } from './run-cli.ts';

vi.setConfig({ testTimeout: 60_000 });

const DAY_MS = 86_400_000;
let folder: string;
let s3: TestS3;
/** With a store of its own. */
let aside: Cli;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-cache-'));
  s3 = await TestS3.open('cache');
  aside = new Cli(folder, folder);
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

/** Takes a render's end back, as if it were at work still. */
const revive = (store: ObjectStore, id: string): Promise<void> => store.delete(keys.result(id));

describe.each(['a folder', 'S3'])('in %s', (where) => {
  let cli: Cli;
  let env: Record<string, string>;
  let store: ObjectStore;
  const json = async <T>(...args: string[]): Promise<T> => {
    const { status, stdout, stderr } = await cli.run(['cache', ...args, '--json'], env);
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as T;
  };
  const rendered = async (id: string, frameRange: FrameRange): Promise<void> => {
    await renderLocally(
      {
        id,
        composition: { source: fixture('barcode-raf') },
        frameRange,
        outputPath: path.join(folder, `${id}.mp4`),
        chunking: { segments: 2 },
      },
      { store, concurrency: 1 },
    );
  };

  beforeAll(async () => {
    const home = path.join(folder, where.replace(' ', '-'));
    const temp = path.join(home, 'temp');
    await mkdir(temp, { recursive: true });
    cli = new Cli(home, temp);
    const url = where === 'S3' ? 's3://cache/farm' : path.join(home, 'store');
    env = { HELIOS_STORE: url };
    store = where === 'S3' ? new S3Store(url) : new LocalStore(url);
    await rendered('one', [0, 10]);
    await rendered('two', [0, 20]);
  });

  test('list tells segments and bundles, and which renders use them', async () => {
    const told = await json<{ contents: CachedContent[]; bundles: CachedBundle[] }>('list');
    expect(told.bundles).toMatchObject([{ files: 1, renders: ['one', 'two'] }]);
    // Frames 0–4, 5–9 of the one, 0–9, 10–19 of the other.
    expect(told.contents).toMatchObject([
      { segments: 4, renders: ['one', 'two'], bundle: told.bundles[0]?.bundle },
    ]);
    const [{ bytes = 0, content = '' } = {}] = told.contents;
    expect(bytes).toBeGreaterThan(4_000);

    const { stdout } = await cli.run(['cache', 'list'], env);
    expect(stdout).toContain(`${content.slice(0, 12)}  4 segments,`);
    expect(stdout).toContain('in one, two');
  });

  test('size adds up what the store has', async () => {
    const told = await json<Record<string, { objects: number; bytes: number }>>('size');
    // Four videos, their records, and two pictures of each.
    expect(told.segments?.objects).toBe(16);
    const { total, store: _, ...parts } = told;
    expect(total?.objects).toBe((await keysOf(store)).length);
    expect(total?.bytes).toBe(Object.values(parts).reduce((sum, { bytes }) => sum + bytes, 0));
  });

  test('prune by age leaves what is young', async () => {
    const before = await keysOf(store);
    expect(await json('prune', '--older-than', '1h')).toMatchObject({ deleted: { objects: 0, bytes: 0 } });
    expect(await keysOf(store)).toEqual(before);
  });

  test.runIf(where === 'a folder')(
    'prune by age deletes what is old, and its segments only whole',
    async () => {
      const all = await keysOf(store, 'segments/');
      const stem = all[0]?.slice(0, all[0].indexOf('.')) as string;
      const segment = all.filter((key) => key.startsWith(`${stem}.`));
      const others = all.filter((key) => !segment.includes(key));
      const old = new Date(Date.now() - 8 * DAY_MS);
      const age = (key: string) => utimes(path.join(store.url, key), old, old);
      for (const key of segment) await age(key);
      // Others of its segment are in use.
      await age(others[0] as string);
      expect(await json('prune', '--older-than', '7d')).toMatchObject({
        deleted: { objects: segment.length },
      });
      expect(await keysOf(store, 'segments/')).toEqual(others);
      await rendered('three', [0, 10]);
    },
  );

  test('prune by size leaves no more than that, and what a render at work needs', async () => {
    await revive(store, 'two');
    const needed = await json<{ needed: { objects: number } }>('prune', '--max-size', '1B');
    expect(needed).toMatchObject({ deleted: { objects: expect.any(Number) } });
    expect(needed.needed.objects).toBeGreaterThanOrEqual(8);
    const left = await keysOf(store);
    expect(left.filter((key) => key.startsWith('blobs/'))).toHaveLength(1);
    expect(left.filter((key) => key.startsWith('bundles/'))).toHaveLength(1);
    expect(left.filter((key) => key.startsWith('segments/')).length).toBeGreaterThanOrEqual(6);
    expect(left.filter((key) => key.startsWith('probes/'))).toEqual([]);
  });

  test('while a render is being planned, no composition goes', async () => {
    await putJson(store, keys.result('two'), {});
    await store.delete(keys.plan('one'));
    await revive(store, 'one');
    await json('prune', '--all');
    expect(await keysOf(store, 'blobs/')).toHaveLength(1);
    expect(await keysOf(store, 'bundles/')).toHaveLength(1);
    expect(await keysOf(store, 'segments/')).toEqual([]);
  });

  test('prune --all leaves outputs, and the next render makes all anew', async () => {
    await putJson(store, keys.result('one'), {});
    const renders = await keysOf(store, 'renders/');
    const { stdout } = await cli.run(['cache', 'prune', '--all'], env);
    expect(stdout).toMatch(/^Deleted 2 objects, .*; left 0 objects/);
    expect(await keysOf(store)).toEqual(renders);
    await rendered('one', [0, 10]);
    expect(await keysOf(store, 'segments/')).toHaveLength(8);
  });
});

test('prune wants to be told what is to go', async () => {
  const { status, stderr } = await aside.run(['cache', 'prune']);
  expect(status).toBe(2);
  expect(stderr).toContain('--older-than, --max-size or --all');
});

test.each(['7', '7 days', '-1d', ''])('%j is no age', (text) => {
  expect(() => ageFlag(text)).toThrow('such as 7d');
});

test('ages and sizes have units', () => {
  expect(['90s', '30m', '12h', '7d', '2w'].map(ageFlag)).toEqual(
    [90, 1_800, 43_200, 604_800, 1_209_600].map((seconds) => seconds * 1_000),
  );
  expect(['0B', '1.5kB', '20 MB', '10GB', '1tb'].map(bytesFlag)).toEqual([0, 1_500, 20e6, 10e9, 1e12]);
  for (const text of ['10', 'GB', '1XB', '-1GB']) expect(() => bytesFlag(text)).toThrow('such as 10GB');
});

test('render --no-cache trusts nothing in the store', async () => {
  const args = [
    'render',
    fixture('barcode-raf'),
    '--id',
    'anew',
    '--frames',
    '0-3',
    '--segments',
    '2',
    '--json',
  ];
  const counts = async (...more: string[]) => (await aside.run([...args, ...more])).lines().at(-1)?.segments;
  expect(await counts()).toEqual({ total: 2, cached: 0, rendered: 2 });
  expect(await counts('--no-cache')).toEqual({ total: 2, cached: 0, rendered: 2 });
  expect(await counts()).toEqual({ total: 2, cached: 2, rendered: 0 });
});
