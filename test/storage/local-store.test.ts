import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalStore } from '../../src/storage/local-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { KitError, OutputError, UnsafePathError } from '../../src/utils/errors.ts';
import { processTag } from '../../src/utils/process-tag.ts';
import { describeObjectStore } from './object-store-contract.ts';

describeObjectStore('LocalStore', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-store-'));
  return {
    store: new LocalStore(path.join(folder, 'made', 'on', 'demand')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
});

describe('LocalStore', () => {
  let folder: string;
  let store: LocalStore;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'helios-store-'));
    store = new LocalStore(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('an object is a file under its key', async () => {
    await store.put('a/b.txt', 'text');
    expect(store.localPath('a/b.txt')).toBe(path.join(folder, 'a/b.txt'));
    expect(await readFile(path.join(folder, 'a/b.txt'), 'utf8')).toBe('text');
    expect(await store.presign('a/b.txt')).toBe(`file://${folder}/a/b.txt`);
    expect(() => store.localPath('../x')).toThrow(UnsafePathError);
  });

  test('leaves no half-written files, whoever wins', async () => {
    await Promise.all(Array.from({ length: 20 }, () => store.putIfAbsent('won/once', 'x')));
    await expect(store.put('won/gone', { file: path.join(folder, 'no-such-file') })).rejects.toThrow();
    expect(await readdir(path.join(folder, 'won'))).toEqual(['once']);
  });

  test('does not list what is being written', async () => {
    await mkdir(path.join(folder, '.partial'), { recursive: true });
    await writeFile(path.join(folder, '.partial', `${processTag}.1`), 'half');
    await store.put('listed/y', 'whole');
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toContain('listed/y');
    expect(keys.filter((key) => key.includes('partial'))).toEqual([]);
  });

  test('takes away what a killed process had begun to write, and not what another writes', async () => {
    const partial = path.join(folder, '.partial');
    await mkdir(partial, { recursive: true });
    const sameIdLater = `${process.pid}-1.half`;
    await writeFile(path.join(partial, sameIdLater), 'half');
    await writeFile(path.join(partial, `${processTag}.other`), 'half');
    await new LocalStore(folder).put('swept', 'whole');
    const left = await readdir(partial);
    expect(left).not.toContain(sameIdLater);
    expect(left).toContain(`${processTag}.other`);
  });

  test('writes again what another machine took for left over', async () => {
    const partial = path.join(folder, '.partial');
    const large = path.join(folder, 'large');
    await writeFile(large, Buffer.alloc(2 ** 24, 'x'));
    let over = false;
    let swept = 0;
    const sweep = async () => {
      while (!over && swept < 2) {
        for (const name of await readdir(partial)) {
          if (name.endsWith('.other')) continue;
          await rm(path.join(partial, name), { force: true });
          swept++;
        }
      }
    };
    const sweeping = sweep();
    for (let write = 0; swept === 0; write++) {
      await store.put(`taken/${write}`, { file: large });
      expect((await store.head(`taken/${write}`))?.size).toBe(2 ** 24);
    }
    over = true;
    await sweeping;
  });

  test('a folder that takes no files is an OutputError that names the file', async () => {
    await writeFile(path.join(folder, 'file'), '');
    const blocked = new LocalStore(path.join(folder, 'file'));
    await expect(blocked.put('x', 'y')).rejects.toBeInstanceOf(OutputError);
    await expect(blocked.put('x', 'y')).rejects.toThrow(path.join(folder, 'file', 'x'));
    expect(await blocked.head('x')).toBeUndefined();
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may not be read is an error of ours', async () => {
    await store.put('closed/x', 'y');
    await chmod(path.join(folder, 'closed'), 0o000);
    await expect(store.put('closed/z', 'y')).rejects.toBeInstanceOf(OutputError);
    await chmod(path.join(folder, 'closed'), 0o755);
  });
});

describe('openStore', () => {
  test('opens a folder', () => {
    expect(openStore('some/folder').url).toBe(path.resolve('some/folder'));
  });

  test('knows no store of another kind', () => {
    expect(() => openStore('ftp://host/store')).toThrow(KitError);
  });
});
