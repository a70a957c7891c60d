import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '../utils/digest.ts';
import { freeBytes } from '../utils/disk-space.ts';
import { DiskFullError } from '../utils/errors.ts';
import { errorCode, toWriteError } from '../utils/fs-errors.ts';
import { processTag } from '../utils/process-tag.ts';
import { sweepFolder } from '../utils/work-folder.ts';
import { customVersion } from './custom-chromium.ts';
import { fontconfig, fontFolders, fontsVersion } from './fonts.ts';
import { makeKitFolder } from './kit-folder.ts';
import { findChromium, type PackedChromium, UNPACKED_BYTES, unpackChromium } from './packed-chromium.ts';

/** What a browser needs to start, all of it on this machine's disk. */
export interface Kit {
  readonly chromiumPath: string;
  readonly chromiumVersion: string;
  /** Changes with the set of fonts, the names they answer to, and the bytes of their files. */
  readonly fontsVersion: string;
  /** Environment of the browser: its libraries, its fonts, and nothing of the caller's secrets. */
  readonly env: Readonly<Record<string, string>>;
}

const megabytes = (bytes: number): number => Math.floor(bytes / 1e6);

/** Unpacks a browser beside its place and moves it there, so that a half one is never seen. */
async function placeChromium(packed: PackedChromium, target: string): Promise<void> {
  const free = await freeBytes(path.dirname(target));
  if (free < UNPACKED_BYTES) {
    throw new DiskFullError(
      `The browser takes ${megabytes(UNPACKED_BYTES)} MB and ${path.dirname(target)} has ${megabytes(free)} MB left. Free some space, or on Lambda raise the function's ephemeral storage.`,
      { details: { folder: path.dirname(target), needed: UNPACKED_BYTES, free } },
    );
  }
  await sweepFolder(path.dirname(target), `${path.basename(target)}.`);
  const partial = `${target}.${processTag}.${randomUUID()}`;
  try {
    await mkdir(partial);
    await unpackChromium(packed, partial);
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

async function prepareKit(): Promise<Kit> {
  const folder = await makeKitFolder();
  const own = process.env.CHROMIUM_PATH;
  const shipped = own ? undefined : await findChromium();
  const unpacked = path.join(folder, `chromium-${shipped?.version}`);
  if (shipped && !(await exists(unpacked))) await placeChromium(shipped, unpacked);
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
    fontsVersion: await fontsVersion(folder),
    chromiumVersion: shipped?.version ?? (await customVersion(own as string, folder, env)),
    env,
  };
}

let prepared: Promise<Kit> | undefined;

/**
 * Makes the browser and its fonts ready in a writable folder, once a process: those of the npm packages, or of the
 * layers in `HELIOS_KIT`. `CHROMIUM_PATH` overrides the kit's own browser.
 * @throws KitError when a part is missing, DiskFullError when the browser has no room
 */
export function openKit(): Promise<Kit> {
  prepared ??= prepareKit().catch((error: unknown) => {
    prepared = undefined;
    throw error;
  });
  return prepared;
}
