import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ObjectStore,
  putJson,
  readBytes,
  readJson,
  type Section,
} from '../../src/storage/object-store.ts';
import { NotFoundError, StorageError, UnsafePathError } from '../../src/utils/errors.ts';

/** A store to be tested, empty; disposed of after its tests. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
}

/** What every store must do. */
export function describeObjectStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let opened: StoreUnderTest;
    let store: ObjectStore;
    let folder: string;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
      folder = await mkdtemp(path.join(tmpdir(), 'helios-contract-'));
    });
    afterAll(async () => {
      await opened[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });

    const keysUnder = async (prefix: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found;
    };

    test('gives back what was put: text, bytes, a file', async () => {
      const file = path.join(folder, 'file');
      await writeFile(file, 'from a file');
      await store.put('put/text', 'grüße');
      await store.put('put/bytes', new Uint8Array([0, 255, 10, 13]));
      await store.put('put/file', { file });
      await store.put('put/empty', '');
      expect((await readBytes(store, 'put/text')).toString()).toBe('grüße');
      expect([...(await readBytes(store, 'put/bytes'))]).toEqual([0, 255, 10, 13]);
      expect((await readBytes(store, 'put/file')).toString()).toBe('from a file');
      expect(await readBytes(store, 'put/empty')).toHaveLength(0);
    });

    test('keeps a copy of a file, not the file', async () => {
      const file = path.join(folder, 'changing');
      await writeFile(file, 'before');
      await store.put('copy', { file });
      await writeFile(file, 'after!');
      expect((await readBytes(store, 'copy')).toString()).toBe('before');
    });

    test('gives back a large object whole', async () => {
      const bytes = Buffer.alloc(12 * 1024 * 1024, 'helios');
      await store.put('large', bytes);
      expect((await readBytes(store, 'large')).equals(bytes)).toBe(true);
      expect(await store.head('large')).toMatchObject({ size: bytes.length });
    });

    test('gives back any span of an object, as far as there is one', async () => {
      await store.put('span', '0123456789');
      const read = async (start: number, end: number, version?: string) =>
        text(await store.get('span', { start, end, version }));
      expect(await read(0, 10)).toBe('0123456789');
      expect(await read(3, 5)).toBe('34');
      expect(await read(7, 99)).toBe('789');
      expect(await read(4, 4)).toBe('');
      expect(await read(10, 12)).toBe('');
      const before = await store.head('span');
      expect(await read(1, 3, before?.version)).toBe('12');
      await store.put('span', '9876543210');
      expect((await store.head('span'))?.version).not.toBe(before?.version);
      await expect(read(1, 3, before?.version)).rejects.toBeInstanceOf(StorageError);
      await expect(store.get('no/such', { start: 0, end: 1 })).rejects.toBeInstanceOf(NotFoundError);
    });

    test('puts an object together from sections, those that it has among them', async () => {
      const MIB = 1024 ** 2;
      const source = Buffer.from(Array.from({ length: 14 * MIB }, (_, at) => (at * 31 + (at >> 12)) % 256));
      await store.put('parts/ä b', source);
      const { version } = (await store.head('parts/ä b')) ?? {};
      const sectionOf = (...pieces: readonly Uint8Array[]): Section => ({
        length: pieces.reduce((sum, { length }) => sum + length, 0),
        open: async function* () {
          yield* pieces;
        },
      });
      const spans: [number, number][] = [
        [5, 13 * MIB],
        [7, 9],
        [MIB, 8 * MIB],
      ];
      const stored = spans.map(([start, end]) => ({ key: 'parts/ä b', start, end, version }));
      const copied = spans.map(([start, end]) => source.subarray(start, end));
      const small = Array.from({ length: 30 }, (_, n) =>
        sectionOf(Buffer.alloc(400_000, n), Buffer.from('x')),
      );
      const sections = [sectionOf(Buffer.from('head')), { ...sectionOf(...copied), stored }, ...small];
      await store.compose('composed', sections, { contentType: 'video/mp4' });
      const expected: Uint8Array[] = [];
      for (const section of sections) for await (const bytes of section.open()) expected.push(bytes);
      expect((await readBytes(store, 'composed')).equals(Buffer.concat(expected))).toBe(true);
    });

    describe('of sections', () => {
      const MIB = 1024 ** 2;
      /** As a part of a large upload, and all of a small one. */
      const sizes = [3, 20 * MIB];
      const section = (length: number, open: () => AsyncIterable<Uint8Array>): Section => ({ length, open });
      const expectNothing = async (sections: readonly Section[], failure: RegExp, signal?: AbortSignal) => {
        await store.put('failed', 'before');
        await expect(store.compose('failed', sections, { signal })).rejects.toThrow(failure);
        expect((await readBytes(store, 'failed')).toString()).toBe('before');
        expect(await keysUnder('failed')).toEqual(['failed']);
      };

      test.each(sizes)('that fail after their last byte it writes nothing (%i)', async (size) => {
        const sound = section(size, async function* () {
          yield Buffer.alloc(size);
        });
        const failing = section(size, async function* () {
          yield Buffer.alloc(size);
          throw new StorageError('other bytes');
        });
        await expectNothing([sound, failing, sound], /other bytes/);
      });

      test.each([
        [3, 2],
        [3, 4],
        [20 * MIB, 20 * MIB - 1],
        [20 * MIB, 20 * MIB + 1],
      ])('that are not as long as they say it writes nothing (%i, %i)', async (length, found) => {
        const other = section(length, async function* () {
          yield Buffer.alloc(found);
        });
        await expectNothing([other], /bytes of/);
      });

      test.each(sizes)('it writes nothing once it is cancelled (%i)', async (size) => {
        const cancel = new AbortController();
        const sections = Array.from({ length: 12 }, (_, place) =>
          section(size, async function* () {
            if (place === 1) cancel.abort();
            yield Buffer.alloc(size);
          }),
        );
        await expectNothing(sections, /cancelled/, cancel.signal);
      });
    });

    test('put replaces', async () => {
      await store.put('replaced', 'a long first text');
      await store.put('replaced', 'second');
      expect((await readBytes(store, 'replaced')).toString()).toBe('second');
    });

    test('touch makes an object new and leaves its bytes; what is not there stays so', async () => {
      await store.put('touched/ä b+c', 'text', { contentType: 'text/plain' });
      const before = await store.head('touched/ä b+c');
      // S3 counts in whole seconds.
      await sleep(1_100);
      await store.touch('touched/ä b+c');
      await store.touch('touched/absent');
      const after = await store.head('touched/ä b+c');
      expect(after?.modified.getTime()).toBeGreaterThan(before?.modified.getTime() ?? 0);
      expect((await readBytes(store, 'touched/ä b+c')).toString()).toBe('text');
      expect(await keysUnder('touched/')).toEqual(['touched/ä b+c']);
    });

    test('putIfAbsent writes once, and tells', async () => {
      expect(await store.putIfAbsent('once', 'first')).toBe(true);
      expect(await store.putIfAbsent('once', 'second')).toBe(false);
      expect((await readBytes(store, 'once')).toString()).toBe('first');
    });

    test('of twenty that put at the same time just one writes', async () => {
      for (let round = 0; round < 5; round++) {
        const key = `race/${round}`;
        const writers = Array.from({ length: 20 }, (_, index) => `writer ${index}`.repeat(5_000));
        const wrote = await Promise.all(writers.map((text) => store.putIfAbsent(key, text)));
        expect(wrote.filter(Boolean)).toHaveLength(1);
        expect((await readBytes(store, key)).toString()).toBe(writers[wrote.indexOf(true)]);
      }
    });

    test('an object is seen whole or not at all', async () => {
      const size = 2 * 1024 * 1024;
      let over = false;
      const sizes = new Set<number>();
      const watch = async () => {
        while (!over) {
          const bytes = await readBytes(store, 'whole').catch(() => undefined);
          if (bytes) sizes.add(new Set(bytes).size === 1 ? bytes.length : -1);
        }
      };
      const watching = watch();
      for (let round = 1; round <= 8; round++) await store.put('whole', Buffer.alloc(size, round));
      over = true;
      await watching;
      expect([...sizes].filter((seen) => seen !== size)).toEqual([]);
    });

    test('head tells size and time, or that there is none', async () => {
      const before = Date.now() - 2_000;
      await store.put('head', '12345');
      const info = await store.head('head');
      expect(info).toMatchObject({ key: 'head', size: 5 });
      expect(info?.modified.getTime()).toBeGreaterThan(before);
      expect(await store.head('head/below')).toBeUndefined();
      expect(await store.head('no/such')).toBeUndefined();
    });

    test('get of what is not there is a NotFoundError with the key', async () => {
      await expect(store.get('no/such')).rejects.toMatchObject({
        name: 'NotFoundError',
        message: expect.stringContaining('no/such'),
        details: { key: 'no/such' },
      });
      await expect(readJson(store, 'no/such')).rejects.toBeInstanceOf(NotFoundError);
    });

    test('lists keys in order, by a prefix that need not end at a slash', async () => {
      const keys = ['list/b', 'list/a/2', 'list/a/10', 'list/a-1', 'list/ab', 'listing', 'list/Z'];
      for (const key of keys) await store.put(key, key);
      const under = keys.filter((key) => key.startsWith('list/'));
      expect(await keysUnder('list/')).toEqual(under.sort());
      expect(await keysUnder('list/a')).toEqual(under.filter((key) => key.startsWith('list/a')));
      expect(await keysUnder('list/a/')).toEqual(['list/a/10', 'list/a/2']);
      expect(await keysUnder('list')).toEqual([...under, 'listing'].sort());
      expect(await keysUnder('nothing/')).toEqual([]);
    });

    test('orders keys by their UTF-8 bytes', async () => {
      const keys = ['order/Z', 'order/a', 'order/é', 'order/\u{ff5e}', 'order/\u{1f600}'];
      for (const key of keys.toReversed()) await store.put(key, key);
      expect(await keysUnder('order/')).toEqual(keys);
    });

    test('a stream that is left before its end does no harm', async () => {
      const bytes = Buffer.alloc(3 * 1024 * 1024, 'x');
      await store.put('left', bytes);
      for (let round = 0; round < 80; round++) {
        const stream = await store.get('left');
        if (round % 2) stream.destroy();
        else for await (const _ of stream) break;
      }
      expect((await readBytes(store, 'left')).equals(bytes)).toBe(true);
    });

    test('lists all of many, with their sizes', async () => {
      await Promise.all(
        Array.from({ length: 120 }, (_, index) => store.put(`many/${index}`, 'x'.repeat(index))),
      );
      const sizes: number[] = [];
      for await (const { key, size } of store.list('many/')) {
        expect(size).toBe(Number(key.slice('many/'.length)));
        sizes.push(size);
      }
      expect(sizes).toHaveLength(120);
    });

    test('deletes, and does not mind what is gone', async () => {
      await store.put('deleted', 'x');
      await store.delete('deleted');
      await store.delete('deleted');
      expect(await store.head('deleted')).toBeUndefined();
      expect(await store.putIfAbsent('deleted', 'again')).toBe(true);
    });

    test.each([
      '../x',
      '/abs',
      'a//b',
      'a/../b',
      'a/./b',
      'a/',
      '',
      '.',
      '..',
      'a\\b',
      'a\0b',
      'a\nb',
      'x'.repeat(1_025),
    ])('refuses the key %j', async (key) => {
      await expect(store.put(key, 'x')).rejects.toBeInstanceOf(UnsafePathError);
      await expect(store.putIfAbsent(key, 'x')).rejects.toBeInstanceOf(UnsafePathError);
      await expect(store.get(key)).rejects.toBeInstanceOf(UnsafePathError);
      await expect(store.head(key)).rejects.toBeInstanceOf(UnsafePathError);
      await expect(store.delete(key)).rejects.toBeInstanceOf(UnsafePathError);
      await expect(store.presign(key, 60)).rejects.toBeInstanceOf(UnsafePathError);
    });

    test.each(['../', '/', '../../etc/', 'a/../../'])('lists nothing outside of it: %j', async (prefix) => {
      expect(await keysUnder(prefix).catch((error: unknown) => error)).toSatisfy(
        (found: unknown) => found instanceof UnsafePathError || (Array.isArray(found) && found.length === 0),
      );
    });

    test('takes keys of any other letters', async () => {
      const key = 'names/ä b+c%20&=#?*"\'~^é.json';
      await store.put(key, 'odd');
      expect((await readBytes(store, key)).toString()).toBe('odd');
      expect(await keysUnder('names/')).toEqual([key]);
    });

    test('keeps JSON, and tells when it is damaged', async () => {
      await putJson(store, 'value.json', { a: [1, null, 'x'] });
      expect(await readJson(store, 'value.json')).toEqual({ a: [1, null, 'x'] });
      await store.put('damaged.json', '{"a":');
      const damaged = readJson(store, 'damaged.json');
      await expect(damaged).rejects.toBeInstanceOf(StorageError);
      await expect(damaged).rejects.toThrow('damaged.json of the store is damaged');
    });

    test('an object that lies on this machine is told by its path', async () => {
      await store.put('local', 'bytes');
      const file = store.localPath('local');
      if (file !== undefined) expect(path.isAbsolute(file)).toBe(true);
    });
  });
}
