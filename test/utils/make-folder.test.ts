import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../../src/utils/make-folder.ts';

test('several make the same folders at the same time', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'make-folder-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (let round = 0; round < 300; round++) {
    const folder = path.join(root, String(round), 'a', 'b');
    await Promise.all(Array.from({ length: 6 }, () => makeFolder(folder)));
    expect((await stat(folder)).isDirectory()).toBe(true);
  }
});

test('a folder that takes no new ones', async () => {
  await expect(makeFolder('/proc/nothing/here')).rejects.toMatchObject({ code: 'ENOENT' });
});
