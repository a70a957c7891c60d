import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ffmpegPath } from '../../src/utils/ffmpeg.ts';
import { contentDigest, rememberedDigest } from '../../src/worker/content-digest.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-version-'));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true }));

/** The version as a process that begins now sees it. */
async function versionNow(): Promise<string> {
  vi.resetModules();
  return (await import('../../src/worker/worker-version.ts')).workerVersion();
}

/** A program that runs another one, with a remark that changes nothing but its bytes. */
async function program(name: string, runs: string, remark: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, `#!/bin/sh\n# ${remark}\nexec "${runs}" "$@"\n`);
  await chmod(file, 0o755);
  return file;
}

const part = (version: string, name: string): string | undefined =>
  new RegExp(`\\.${name}-(.*?)(?=\\.(?:ffmpeg|fonts)-|$)`).exec(version)?.[1];

describe('the worker’s version', () => {
  test('is the same in another process, and names browser, FFmpeg and fonts', async () => {
    const version = await versionNow();
    expect(await versionNow()).toBe(version);
    expect(part(version, 'chromium')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(part(version, 'ffmpeg')).toMatch(/-[0-9a-f]{12}$/);
    expect(part(version, 'fonts')).toMatch(/^[0-9a-f]{12}$/);
  });

  test('is another with another FFmpeg that calls itself the same', async () => {
    const own = await versionNow();
    const shipped = ffmpegPath();
    vi.stubEnv('FFMPEG_PATH', await program('ffmpeg', shipped, 'one'));
    const one = await versionNow();
    await program('ffmpeg', shipped, 'two');
    const two = await versionNow();
    expect(new Set([own, one, two].map((version) => part(version, 'ffmpeg'))).size).toBe(3);
    expect(new Set([own, one, two].map((version) => part(version, 'fonts'))).size).toBe(1);
  });

  test('is another with another browser at the same place', async () => {
    vi.stubEnv('CHROMIUM_PATH', await program('chromium', 'true', 'one'));
    const one = await versionNow();
    await program('chromium', 'true', 'two');
    const two = await versionNow();
    expect(part(one, 'chromium')).toMatch(/^custom-/);
    expect(part(two, 'chromium')).not.toBe(part(one, 'chromium'));
  });

  test('is another when a script starts another browser, or a file beside the browser is another', async () => {
    const versions = new Set<string | undefined>();
    const look = async () => versions.add(part(await versionNow(), 'chromium'));
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    vi.stubEnv('CHROMIUM_PATH', await program('start', 'real', 'one'));
    for (const told of ['1.0', '1.1']) {
      await writeFile(path.join(folder, 'real'), `#!/bin/sh\necho Chromium ${told}\n`, { mode: 0o755 });
      await look();
    }
    expect(versions.size).toBe(2);
    const browser = path.join(folder, 'browser');
    await mkdir(browser);
    await symlink(await program('browser/chromium', 'true', 'one'), path.join(folder, 'link'));
    vi.stubEnv('CHROMIUM_PATH', path.join(folder, 'link'));
    await writeFile(path.join(browser, 'pictures.pak'), 'one');
    await look();
    await writeFile(path.join(browser, 'pictures.pak'), 'another');
    await look();
    expect(versions.size).toBe(3);
    await writeFile(path.join(browser, 'icudtl.dat'), 'data');
    await look();
    await writeFile(path.join(browser, 'pictures.pak'), 'a third');
    await look();
    await mkdir(path.join(browser, 'locales'));
    await writeFile(path.join(browser, 'locales', 'en.pak'), 'words');
    await look();
    expect(versions.size).toBe(6);
  });

  test('is another with fonts of other bytes', async () => {
    const kit = path.join(folder, 'kit');
    await mkdir(path.join(kit, 'fonts'), { recursive: true });
    vi.stubEnv('HELIOS_KIT', kit);
    const versions = new Set<string>();
    for (const content of ['one', 'two', 'two']) {
      vi.resetModules();
      const { fontsDigest, fontsVersion } = await import('../../src/worker/fonts.ts');
      const manifest = { digest: fontsDigest(), content };
      await writeFile(path.join(kit, 'fonts', 'fonts.json'), JSON.stringify(manifest));
      versions.add(await fontsVersion(folder));
    }
    expect(versions.size).toBe(2);
  });
});

describe('the digest of files', () => {
  test('is remembered, and made anew when one of them is another', async () => {
    const memory = path.join(folder, 'memory');
    await mkdir(memory);
    const files = ['a', 'b'].map((name) => path.join(folder, `font-${name}`));
    const time = new Date('2026-01-01');
    for (const file of files) {
      await writeFile(file, 'same size');
      await utimes(file, time, time);
    }
    const before = await rememberedDigest(files, memory);
    expect(before).toBe(await contentDigest(files));

    const [remembered = ''] = await readdir(memory);
    await writeFile(path.join(memory, remembered), 'f'.repeat(64));
    expect(await rememberedDigest(files, memory)).toBe('f'.repeat(64));
    await writeFile(path.join(memory, remembered), 'cut of');
    expect(await rememberedDigest(files, memory)).toBe(before);

    // Not even the time that a file bears gives it away.
    await writeFile(files[1] as string, 'size same');
    await utimes(files[1] as string, time, time);
    const after = await rememberedDigest(files, memory);
    expect(after).not.toBe(before);
    expect(after).toBe(await contentDigest(files));
    expect(await readFile(path.join(memory, remembered), 'utf8')).toBe(before);
  });
});
