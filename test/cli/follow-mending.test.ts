import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FarmClient } from '../../src/adapters/farm-client.ts';
import { followMending } from '../../src/cli/follow-mending.ts';
import { blobKey, createBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { readBytes } from '../../src/storage/object-store.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { BlobDamagedError, StorageError } from '../../src/utils/errors.ts';

let folder: string;
let store: LocalStore;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-mending-'));
  store = new LocalStore(path.join(folder, 'store'));
  await writeFile(path.join(folder, 'index.html'), 'page');
});
afterAll(() => rm(folder, { recursive: true }));

const key = blobKey(sha256('page'));
const job = { id: 'one', composition: { source: '' }, outputPath: 'out.mp4' };

/** A farm whose render ends with each of these in turn. */
function farm(...ends: readonly (Error | 'well')[]) {
  const calls: string[] = [];
  const left = [...ends];
  const client = {
    store,
    waitForRender: async () => {
      calls.push('wait');
      const end = left.shift();
      if (end instanceof Error) throw end;
      return { id: 'one' };
    },
    resumeRender: async () => void calls.push('resume'),
  } as unknown as FarmClient;
  const composition = { source: path.join(folder, 'index.html') };
  const follow = () =>
    followMending(client, { ...job, composition }, { on: 'lambda', farm: 'test', quiet: true });
  return { calls, follow };
}
const damaged = (of: string) => new BlobDamagedError('damaged', { details: { key: of } });

test('a damaged file is sent again, and the render goes on', async () => {
  await createBundle(store, folder);
  await store.put(key, 'evil');
  const { calls, follow } = farm(damaged(key), 'well');
  expect(await follow()).toEqual({ id: 'one' });
  expect(calls).toEqual(['wait', 'resume', 'wait']);
  expect((await readBytes(store, key)).toString()).toBe('page');
});

test('but once only, and nothing else is deleted', async () => {
  const twice = farm(damaged(key), damaged(key));
  await expect(twice.follow()).rejects.toBeInstanceOf(BlobDamagedError);
  expect(twice.calls).toEqual(['wait', 'resume', 'wait']);

  await store.put('renders/one/output.mp4', 'video');
  for (const error of [damaged('renders/one/output.mp4'), new StorageError('slow', { details: { key } })]) {
    const { calls, follow } = farm(error);
    await expect(follow()).rejects.toBe(error);
    expect(calls).toEqual(['wait']);
  }
  expect(await store.head('renders/one/output.mp4')).toBeDefined();
  expect(await store.head(key)).toBeDefined();
});
