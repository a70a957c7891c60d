import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BlobCache } from '../../src/storage/blob-cache.ts';
import { blobKey, createBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { NotFoundError, StorageError } from '../../src/utils/errors.ts';
import { TestS3 } from '../helpers/test-s3.ts';

let s3: TestS3;
let store: S3Store;
let cache: BlobCache;
beforeAll(async () => {
  s3 = await TestS3.open('blobs');
  store = new S3Store('s3://blobs', { idleSeconds: 1, retrySeconds: 2 });
});
beforeEach(() => {
  cache = new BlobCache(store, 1_000);
  s3.reset();
});
afterEach(() => cache[Symbol.asyncDispose]());
afterAll(() => s3[Symbol.asyncDispose]());

async function put(text: string): Promise<string> {
  const digest = sha256(text);
  await store.put(blobKey(digest), text);
  s3.reset();
  return digest;
}

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

test('a blob is fetched once, however many ask for it', async () => {
  const digest = await put('content');
  using lease = cache.lease();
  const files = await Promise.all(Array.from({ length: 10 }, () => lease.file(digest, 7)));
  using other = cache.lease();
  files.push(await other.file(digest, 7));
  expect(new Set(files).size).toBe(1);
  expect(await readFile(files[0] as string, 'utf8')).toBe('content');
  expect(s3.requests).toHaveLength(1);
});

test('the least recently used one goes when they take too much, and none that is in use', async () => {
  const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(400));
  const [a, b, c, d] = (await Promise.all(texts.map(put))) as [string, string, string, string];
  const fetchOne = async (digest: string): Promise<string> => {
    using lease = cache.lease();
    return await lease.file(digest, 400);
  };
  const files = [await fetchOne(a), await fetchOne(b)];
  await fetchOne(a);
  await fetchOne(c);
  expect(await Promise.all(files.map(exists))).toEqual([true, false]);
  {
    using lease = cache.lease();
    const held = await Promise.all([a, b, c, d].map((digest) => lease.file(digest, 400)));
    await fetchOne(d);
    expect(await Promise.all(held.map(exists))).toEqual([true, true, true, true]);
  }
  expect(await readdir(path.dirname(files[0] as string))).toHaveLength(2);
});

test('a damaged blob is a StorageError, and is fetched anew the next time', async () => {
  const digest = await put('the right bytes');
  await store.put(blobKey(digest), 'the wrong bytes');
  using lease = cache.lease();
  const failed = lease.file(digest, 15);
  await expect(failed).rejects.toBeInstanceOf(StorageError);
  await expect(failed).rejects.toThrow(`blobs/${digest} of the store is damaged`);
  await put('the right bytes');
  expect(await readFile(await lease.file(digest, 15), 'utf8')).toBe('the right bytes');
});

test('a blob that is gone is a NotFoundError', async () => {
  using lease = cache.lease();
  await expect(lease.file(sha256('nothing'), 7)).rejects.toBeInstanceOf(NotFoundError);
});

test('is gone from the disk at the end', async () => {
  const digest = await put('content');
  using lease = cache.lease();
  const file = await lease.file(digest, 7);
  await cache[Symbol.asyncDispose]();
  expect(await exists(path.dirname(file))).toBe(false);
});

test('a store on this machine is read in its place, and nothing of it goes', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-blobs-'));
  const local = new LocalStore(folder);
  await using tight = new BlobCache(local, 1);
  const digest = sha256('content');
  await local.put(blobKey(digest), 'content');
  {
    using lease = tight.lease();
    expect(await lease.file(digest, 7)).toBe(path.join(folder, 'blobs', digest));
  }
  expect(await exists(path.join(folder, 'blobs', digest))).toBe(true);
  await rm(folder, { recursive: true });
});

test('a bundle sends only what the bucket does not have', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-bundle-'));
  await writeFile(path.join(folder, 'index.html'), '<p>page</p>');
  for (let n = 0; n < 20; n++) await writeFile(path.join(folder, `${n}.txt`), `file ${n % 10}`);
  const counted = async () => {
    s3.reset();
    await createBundle(store, folder);
    const methods = s3.requests.map((line) => line.split(' ')[0]);
    return ['HEAD', 'PUT'].map((method) => methods.filter((one) => one === method).length);
  };
  expect(await counted()).toEqual([12, 12]);
  expect(await counted()).toEqual([12, 0]);
  await writeFile(path.join(folder, '3.txt'), 'changed');
  expect(await counted()).toEqual([13, 2]);
  await rm(folder, { recursive: true });
});
