import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkFfmpegParts } from '../../layers/build-ffmpeg.ts';
import { checkSize } from '../../layers/check-size.ts';
import { buildLayer, type LayerRecipe } from '../../layers/layer.ts';
import { assertStaticElf } from '../../layers/static-elf.ts';
import { LayersTooLargeError } from '../../src/utils/errors.ts';
import { packagedFfmpeg } from '../../src/utils/ffmpeg.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a layer', () => {
  let made = 0;
  const recipe = (settings: LayerRecipe['settings'] = {}): LayerRecipe => ({
    name: 'fonts',
    inputs: [path.join(folder, 'input')],
    settings,
    async make(target) {
      made++;
      await writeFile(path.join(target, 'copy'), await readFile(path.join(folder, 'input')), { mode: 0o600 });
    },
  });
  beforeEach(async () => {
    made = 0;
    await writeFile(path.join(folder, 'input'), 'one');
  });

  test('is the same for the same input, whenever and wherever it is made', async () => {
    const first = await buildLayer(recipe(), path.join(folder, 'a'));
    const second = await buildLayer(recipe(), path.join(folder, 'b'));

    expect(made).toBe(2);
    expect(second).toEqual({ ...first, folder: path.join(folder, 'b', 'fonts') });
    const { mtimeMs, mode } = await stat(path.join(second.folder, 'helios/fonts/copy'));
    expect(new Date(mtimeMs).toISOString()).toBe('1980-01-01T00:00:00.000Z');
    expect(mode & 0o777).toBe(0o644);
  });

  test('is made again only when an input or a setting changed, or a file is gone', async () => {
    const { digest, folder: layer } = await buildLayer(recipe(), folder);
    expect((await buildLayer(recipe(), folder)).digest).toBe(digest);
    expect(made).toBe(1);

    await buildLayer(recipe({ level: 2 }), folder);
    expect(made).toBe(2);
    await writeFile(path.join(folder, 'input'), 'two');
    expect((await buildLayer(recipe({ level: 2 }), folder)).digest).not.toBe(digest);
    expect(made).toBe(3);
    await rm(path.join(layer, 'helios/fonts/copy'));
    await buildLayer(recipe({ level: 2 }), folder);
    expect(made).toBe(4);
  });

  test('that fails leaves the one before it', async () => {
    const { digest } = await buildLayer(recipe(), folder);
    const broken = { ...recipe({ level: 2 }), make: () => Promise.reject(new Error('broken')) };
    await expect(buildLayer(broken, folder)).rejects.toThrow('broken');
    expect((await buildLayer(recipe(), folder)).digest).toBe(digest);
    expect(made).toBe(1);
  });
});

test('layers that leave no room for the function are refused, and each part is named', () => {
  const layers = [
    { name: 'chromium', bytes: 80e6 },
    { name: 'ffmpeg', bytes: 70e6 },
    { name: 'fonts', bytes: 85e6 },
  ] as const;
  expect(checkSize(layers, 4.9e6)).toBe(239.9e6);
  expect(() => checkSize(layers, 5e6)).toThrow(LayersTooLargeError);
  expect(() => checkSize(layers, 5e6)).toThrow(/240.0 MB.*chromium 80.0 MB.*function 5.0 MB/);
});

test('a program that needs libraries is refused', async () => {
  await assertStaticElf(packagedFfmpeg());
  await expect(assertStaticElf(process.execPath)).rejects.toThrow(/needs libraries/);
  await writeFile(path.join(folder, 'script'), `#!/bin/sh\n${'#'.repeat(100)}`);
  await expect(assertStaticElf(path.join(folder, 'script'))).rejects.toThrow(/no program for Linux/);
  await expect(assertStaticElf(path.join(folder, 'nothing'))).rejects.toThrow(/can't be read/);
});

test('an FFmpeg without what the project uses is refused, and what it lacks is named', async () => {
  await checkFfmpegParts(packagedFfmpeg());
  const program = path.join(folder, 'ffmpeg');
  const list = `"${packagedFfmpeg()}" "$@" | grep -v -e libx265 -e palettegen`;
  await writeFile(program, `#!/bin/sh\n${list}\n`, { mode: 0o755 });
  await expect(checkFfmpegParts(program)).rejects.toThrow(/lacks: encoder libx265, filter palettegen\.$/);
});
