import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { GcsStore } from '../../src/storage/gcs-store.ts';
import { readBytes } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { type GcsFault, TestGcs } from '../helpers/test-gcs.ts';

const MIB = 1024 ** 2;

let gcs: TestGcs;
let store: GcsStore;
let folder: string;
beforeAll(async () => {
  gcs = await TestGcs.open('films');
  store = new GcsStore('gs://films/below', { retrySeconds: 20 });
  folder = await mkdtemp(path.join(tmpdir(), 'helios-gcs-'));
});
afterEach(() => {
  gcs.faults = () => undefined;
});
afterAll(async () => {
  await gcs[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The first so many requests that fit go wrong. */
function spoil(fault: GcsFault, fits: (asked: string) => boolean, times = 1): void {
  const before = gcs.faults;
  let left = times;
  gcs.faults = (asked, number) => (fits(asked) && left-- > 0 ? fault : before(asked, number));
}

test('is opened by its address', async () => {
  expect(openStore('gs://films/below/')).toBeInstanceOf(GcsStore);
  expect(openStore('gs://films/below/').url).toBe('gs://films/below');
  expect(() => openStore('gs://Films')).toThrow(/gs:\/\/bucket/);
  expect(() => openStore('gs://films/../x')).toThrow(/leaves its folder/);
  await store.put('key', 'text');
  expect([...(gcs.buckets.get('films')?.keys() ?? [])]).toEqual(['below/key']);
});

/** Each kind of request goes wrong once, and is sent again. */
async function getsOver(fault: GcsFault): Promise<void> {
  const key = `over/${fault}`;
  const of = (request: RegExp) => (asked: string) =>
    request.test(asked) && decodeURIComponent(asked.replaceAll('+', ' ')).includes(key);
  spoil(fault, of(/^POST .*uploadType=multipart/));
  await store.put(key, 'text');
  spoil(fault, of(/^GET .*alt=media/));
  expect((await readBytes(store, key)).toString()).toBe('text');
  spoil(fault, of(/^GET [^?]*$/));
  expect(await store.head(key)).toMatchObject({ size: 4 });
  spoil(fault, of(/^GET .*prefix=/));
  const found: string[] = [];
  for await (const object of store.list(key)) found.push(object.key);
  expect(found).toEqual([key]);
  spoil(fault, of(/^DELETE /));
  await store.delete(key);
  expect(await store.head(key)).toBeUndefined();
}

test('gets over a fault of each kind of request', async () => {
  await Promise.all(([503, 429, 'reset', 'lost answer'] as const).map(getsOver));
});

test('knows its own write again whose answer was lost', async () => {
  spoil('lost answer', (asked) => asked.startsWith('POST '));
  expect(await store.putIfAbsent('own', 'mine')).toBe(true);
  expect(await store.putIfAbsent('own', 'other')).toBe(false);
  expect((await readBytes(store, 'own')).toString()).toBe('mine');
});

test('sends a large file in chunks, and a chunk that was lost again', async () => {
  const file = path.join(folder, 'large');
  const bytes = Buffer.alloc(18 * MIB, 'helios');
  await writeFile(file, bytes);
  let chunks = 0;
  gcs.faults = (asked) => (/^PUT /.test(asked) && ++chunks === 2 ? 503 : undefined);
  await store.put('large', { file });
  expect((await readBytes(store, 'large')).equals(bytes)).toBe(true);
  // Three chunks, the one that was lost, and the question how much has come.
  expect(chunks).toBe(5);
  expect(await store.putIfAbsent('large', { file })).toBe(false);
});

test('takes a download up again where it broke', async () => {
  const bytes = Buffer.from(Array.from({ length: 3 * MIB }, (_, n) => (n * 7) % 251));
  await store.put('cut', bytes);
  spoil('cut', (asked) => asked.includes('alt=media'), 2);
  expect((await readBytes(store, 'cut')).equals(bytes)).toBe(true);
});

test('notices bytes that are not those that were stored', async () => {
  await store.put('flipped', 'text');
  spoil('flip', (asked) => asked.includes('alt=media'), 9);
  await expect(readBytes(store, 'flipped')).rejects.toMatchObject({ name: 'StorageError', retryable: true });
});

test.each([
  [401, 'CredentialsError', undefined],
  [403, 'AccessDeniedError', 'storage.objects.get'],
])('a %i is a %s', async (status, name, permission) => {
  gcs.faults = () => status;
  await expect(store.get('denied')).rejects.toMatchObject({
    name,
    ...(permission ? { details: { permission } } : {}),
  });
  await expect(store.put('denied', 'x')).rejects.toMatchObject({ name });
});

test('an upload, and an object, that went away while it was written can be tried again', async () => {
  const file = path.join(folder, 'gone');
  await writeFile(file, Buffer.alloc(9 * MIB));
  const again = { name: 'StorageError', retryable: true, details: { status: 404 } };
  gcs.faults = (asked) => (/^PUT /.test(asked) ? 404 : undefined);
  await expect(store.put('gone', { file })).rejects.toMatchObject(again);
  gcs.faults = (asked) => (/^POST /.test(asked) ? 412 : undefined);
  await expect(store.putIfAbsent('gone', 'x')).rejects.toMatchObject(again);
  gcs.faults = () => undefined;
  await store.put('gone', { file });
  expect(await store.head('gone')).toMatchObject({ size: 9 * MIB });
});

test('a bucket that is not there, and a store that does not come back', async () => {
  await expect(new GcsStore('gs://nowhere').put('key', 'x')).rejects.toMatchObject({
    name: 'StoreAddressError',
    message: expect.stringContaining('no bucket nowhere'),
  });
  await writeFile(path.join(folder, 'large'), Buffer.alloc(9 * MIB));
  await expect(
    new GcsStore('gs://nowhere').put('key', { file: path.join(folder, 'large') }),
  ).rejects.toMatchObject({ name: 'StoreAddressError' });
  gcs.faults = () => 503;
  const short = new GcsStore('gs://films', { retrySeconds: 1 });
  await expect(short.put('key', 'x')).rejects.toMatchObject({
    name: 'StorageError',
    retryable: true,
    details: { status: 503 },
  });
});
