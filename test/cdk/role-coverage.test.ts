import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keyAccess } from '../../cdk/farm-keys.ts';
import type { FunctionName } from '../../cdk/function-sizes.ts';
import { Handlers, LocalStore, type ObjectStore, referenceTo } from '../../src/index.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { videoKeyOf } from '../helpers/renderer.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'helios-roles-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const needs: Readonly<Record<string, 'read' | 'write'>> = {
  get: 'read',
  head: 'read',
  list: 'read',
  put: 'write',
  compose: 'write',
  putIfAbsent: 'write',
  touch: 'write',
};

/** A store that, as a bucket does, gives no file of its own, and notes what is asked of it. */
function watched(store: LocalStore, note: (method: string, key: string) => void): ObjectStore {
  return new Proxy<ObjectStore>(store, {
    get(target, name: keyof ObjectStore) {
      if (name === 'localPath') return () => undefined;
      const value = target[name];
      if (typeof value !== 'function') return value;
      return (key: string, ...rest: unknown[]) => {
        note(name, key);
        return (value as (...input: unknown[]) => unknown).call(target, key, ...rest);
      };
    },
  });
}

/** Makes the files of a folder so many days old. */
async function grow(root: string, days: number): Promise<void> {
  const old = new Date(Date.now() - days * 86_400_000);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await utimes(path.join(entry.parentPath, entry.name), old, old);
}

const allows = (patterns: readonly string[], key: string) =>
  patterns.some((pattern) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(key),
  );

test('a render with film and music asks of the store only what the roles allow', {
  timeout: 240_000,
}, async () => {
  const store = new LocalStore(folder);
  const asked: [role: FunctionName, method: string, key: string][] = [];
  let role: FunctionName = 'plan';
  await using handlers = new Handlers(watched(store, (method, key) => asked.push([role, method, key])));
  const source = path.resolve('examples/video-and-music');
  const ref = await referenceTo(source, store);
  const as = <T>(name: FunctionName, work: () => Promise<T>) => {
    role = name;
    return work();
  };

  const job = {
    id: 'r1',
    composition: { source },
    frameRange: [0, 8],
    outputPath: 'out.mp4',
    encoding: { scale: 0.25 },
    chunking: { segments: 2 },
    budget: { maxCost: 10, maxSeconds: 3600 },
  };
  await as('plan', () => handlers.plan({ job, ref }));
  const { frameJobs } = await readPlan(store, 'r1');
  for (const { index } of frameJobs) await as('render', () => handlers.render({ id: 'r1', index }));
  // What was found after a month is kept from expiring.
  await grow(folder, 30);
  await as('plan', () => handlers.plan({ job, ref }));
  for (const { index } of frameJobs) await as('render', () => handlers.render({ id: 'r1', index }));
  expect(asked.filter(([, method]) => method === 'touch').map(([name]) => name)).toContain('render');
  await expect(as('render', () => handlers.render({ id: 'r1', index: 2 }))).rejects.toThrow('2 segments');
  const { key } = await as('audio', () => handlers.audio({ id: 'r1' }));
  await as('stitch', () => handlers.stitch({ id: 'r1', audioKey: key }));

  // Its seams differ, so that stitch reads their pictures.
  const page = path.resolve('test/fixtures/barcode-state');
  const stepping = {
    id: 'r2',
    composition: { source: page },
    frameRange: [0, 8],
    outputPath: 'out.mp4',
    chunking: { segments: 2 },
    page: { seekMode: 'seek' },
    onSeamMismatch: 'warn',
  };
  const steppingRef = await referenceTo(page, store);
  await as('plan', () => handlers.plan({ job: stepping, ref: steppingRef }));
  for (const index of [0, 1]) await as('render', () => handlers.render({ id: 'r2', index }));
  const { seams } = await as('stitch', () => handlers.stitch({ id: 'r2' }));
  expect(seams.mismatches.map(({ frame }) => frame)).toEqual([4]);
  for (const picture of seams.mismatches[0]?.pictures ?? []) {
    expect(asked).toContainEqual(['render', 'put', picture]);
    expect(asked).toContainEqual(['stitch', 'get', picture]);
  }
  const [lost] = frameJobs;
  const video = await videoKeyOf(store, lost);
  await store.put(video, Buffer.alloc((await store.head(video))?.size ?? 0));
  await expect(as('stitch', () => handlers.stitch({ id: 'r1', audioKey: key }))).rejects.toThrow('damaged');

  const segment = { index: 1, range: [4, 8] };
  await as('failure', () => handlers.failure({ id: 'r1', error: { Error: 'States.Timeout' }, segment }));

  const gone = { kind: 'bundle', digest: '0'.repeat(64), entry: 'index.html' };
  await expect(as('plan', () => handlers.plan({ job: { ...job, id: 'r3' }, ref: gone }))).rejects.toThrow();
  await expect(as('audio', () => handlers.audio({ id: 'r3' }))).rejects.toThrow('r3');
  for (const step of ['plan', 'audio', 'stitch'] as const) {
    expect(asked).toContainEqual([step, 'put', expect.stringContaining(`/progress/${step}.error.json`)]);
    await as('failure', () => handlers.failure({ id: 'r3', error: { Error: 'States.Timeout' }, step }));
  }

  expect(key).not.toBeNull();
  expect(new Set(asked.map(([name]) => name))).toEqual(
    new Set(['plan', 'render', 'audio', 'stitch', 'failure']),
  );
  const refused = asked.filter(([name, method, at]) => {
    const need = needs[method];
    const { read, readBack = [], write } = keyAccess[name];
    const keys = need === 'write' ? write : method === 'list' ? read : [...read, ...readBack];
    return need === undefined || !allows(keys, at);
  });
  expect(refused).toEqual([]);
});
