import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';
import { sha256 } from '../utils/digest.ts';
import { KitError } from '../utils/errors.ts';
import { errorCode, toWriteError } from '../utils/fs-errors.ts';
import { cacheFolder } from '../utils/paths.ts';
import { fontconfig, fontFolders, fontsDigest } from './fonts.ts';

/** What a browser needs to start, all of it on this machine's disk. */
export interface Kit {
  readonly chromiumPath: string;
  readonly chromiumVersion: string;
  /** Changes with the set of fonts and the names they answer to. */
  readonly fontsDigest: string;
  /** Environment of the browser: its libraries, its fonts, and nothing of the caller's secrets. */
  readonly env: Readonly<Record<string, string>>;
}

interface ChromiumPackage {
  readonly folder: string;
  readonly version: string;
}

async function chromiumPackage(): Promise<ChromiumPackage> {
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    let folder = path.dirname(entry);
    while (path.basename(folder) !== 'chromium') folder = path.dirname(folder);
    const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { folder, version };
  } catch (cause) {
    throw new KitError('The browser is missing: install @sparticuz/chromium, or set CHROMIUM_PATH.', {
      cause,
    });
  }
}

// Large pieces: with Node's default of 16 KiB the browser unpacks 1.4 to 1.8 times as slowly.
const brotli = (file: string) =>
  [
    createReadStream(file, { highWaterMark: 2 ** 20 }),
    createBrotliDecompress({ chunkSize: 2 ** 22 }),
  ] as const;

/** Unpacks the package's browser beside its place and moves it there, so that a half one is never seen. */
async function unpackChromium({ folder }: ChromiumPackage, target: string): Promise<void> {
  const partial = `${target}.${randomUUID()}`;
  const packed = (name: string) => path.join(folder, 'bin', name);
  try {
    await mkdir(partial, { recursive: true });
    await Promise.all([
      pipeline(
        ...brotli(packed('chromium.br')),
        createWriteStream(path.join(partial, 'chromium'), { mode: 0o755, highWaterMark: 2 ** 24 }),
      ),
      pipeline(...brotli(packed('swiftshader.tar.br')), extract(partial)),
      pipeline(...brotli(packed('al2023.tar.br')), extract(path.join(partial, 'al2023'))),
    ]);
    await rename(partial, target);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw toWriteError(error, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function writeFontconfig(folder: string): Promise<string> {
  const text = fontconfig(fontFolders(), path.join(folder, 'font-cache'));
  const file = path.join(folder, `fonts-${sha256(text).slice(0, 16)}.conf`);
  if (!(await exists(file))) {
    const partial = `${file}.${randomUUID()}`;
    await writeFile(partial, text);
    await rename(partial, file);
  }
  return file;
}

async function prepareKit(folder: string): Promise<Kit> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw toWriteError(error, folder);
  });
  const own = process.env.CHROMIUM_PATH;
  const shipped = own ? undefined : await chromiumPackage();
  const unpacked = path.join(folder, `chromium-${shipped?.version}`);
  if (shipped && !(await exists(unpacked))) await unpackChromium(shipped, unpacked);
  if (own && !(await exists(own))) throw new KitError(`CHROMIUM_PATH names no file: ${own}.`);
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    TZ: 'UTC',
    LANG: 'en_US.UTF-8',
    FONTCONFIG_FILE: await writeFontconfig(folder),
  };
  if (shipped) env.LD_LIBRARY_PATH = path.join(unpacked, 'al2023', 'lib');
  return {
    chromiumPath: own ?? path.join(unpacked, 'chromium'),
    fontsDigest: fontsDigest(),
    chromiumVersion: shipped?.version ?? `custom-${sha256(own ?? '').slice(0, 12)}`,
    env,
  };
}

let prepared: Promise<Kit> | undefined;

/**
 * Makes the browser and its fonts ready in `kit` of the user's cache folder, once a process. `CHROMIUM_PATH`
 * overrides the kit's own browser.
 */
export function openKit(): Promise<Kit> {
  prepared ??= prepareKit(path.join(cacheFolder(), 'kit')).catch((error: unknown) => {
    prepared = undefined;
    throw error;
  });
  return prepared;
}
