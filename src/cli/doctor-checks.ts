import { randomUUID } from 'node:crypto';
import { readdir, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '../storage/open-store.ts';
import { ffmpegPath, runFfmpeg } from '../utils/ffmpeg.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { fontFolders } from '../worker/fonts.ts';
import { checkBrowser } from './doctor-browser.ts';
import { count, formatBytes } from './format.ts';
import { isAtLeast, OLDEST_NODE } from './node-version.ts';

/** What one look at the machine found. */
export interface Check {
  readonly name: string;
  /** `warn` leaves rendering possible, if not everything of it. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string;
}

const GIGABYTE = 1e9;
/** Encoders by what needs them; without the first two the default output can't be made. */
const ENCODERS: Readonly<Record<string, string>> = {
  libx264: '--codec h264',
  aac: '--audio-codec aac',
  libx265: '--codec h265',
  libvpx: '--codec vp8',
  'libvpx-vp9': '--codec vp9',
  prores_ks: '--codec prores',
  gif: '--codec gif',
  png: '--codec gif',
  libopus: '--audio-codec opus',
  libmp3lame: '--audio-codec mp3',
};
const NEEDED = ['libx264', 'aac'];

function checkNode(): Check {
  const { node } = process.versions;
  const name = 'Node.js';
  return isAtLeast(node, OLDEST_NODE)
    ? { name, status: 'ok', found: node }
    : { name, status: 'fail', found: node, remedy: `Install Node.js ${OLDEST_NODE} or newer; 24 is best.` };
}

async function checkFfmpeg(): Promise<Check> {
  const version = /^ffmpeg version (\S+)/.exec((await runFfmpeg(['-version'])).toString('utf8'))?.[1];
  return { name: 'FFmpeg', status: 'ok', found: `${version ?? 'unknown version'}, ${ffmpegPath()}` };
}

async function checkEncoders(): Promise<Check> {
  const listed = (await runFfmpeg(['-encoders'])).toString('utf8');
  const has = new Set([...listed.matchAll(/^ [VAS][\w.]{5} (\S+)/gm)].map((match) => match[1]));
  const missing = Object.keys(ENCODERS).filter((encoder) => !has.has(encoder));
  const name = 'Encoders';
  if (missing.length === 0) return { name, status: 'ok', found: Object.keys(ENCODERS).join(', ') };
  const uses = [...new Set(missing.map((encoder) => ENCODERS[encoder]))];
  return {
    name,
    status: missing.some((encoder) => NEEDED.includes(encoder)) ? 'fail' : 'warn',
    found: `missing: ${missing.join(', ')}`,
    remedy: `Set FFMPEG_PATH to an FFmpeg with them, or go without ${uses.join(', ')}.`,
  };
}

async function checkFonts(): Promise<Check> {
  const folders = fontFolders();
  const files = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const empty = folders.filter((_, index) => !files[index]?.some((name) => /\.(?:ttf|otf|ttc)$/i.test(name)));
  const name = 'Fonts';
  return empty.length === 0
    ? { name, status: 'ok', found: count(folders.length, 'face') }
    : { name, status: 'fail', found: `missing: ${empty.join(', ')}`, remedy: 'Run npm ci.' };
}

/** Bytes that a user may still write to the disk of a folder, or of the nearest folder above it that exists. */
async function freeSpace(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const above = path.dirname(folder);
    if (above === folder) throw error;
    return freeSpace(above);
  }
}

async function spaceCheck(name: string, folder: string, remedy: string): Promise<Check> {
  const free = await freeSpace(folder);
  const found = `${folder}, ${formatBytes(free)} free`;
  return free < GIGABYTE ? { name, status: 'warn', found, remedy } : { name, status: 'ok', found };
}

async function checkStore(): Promise<Check> {
  const store = openStore();
  const key = `doctor-${randomUUID()}`;
  await store.put(key, 'writable');
  const folder = store.localPath(key) && store.url;
  await store.delete(key);
  if (folder === undefined) return { name: 'Store', status: 'ok', found: store.url };
  return spaceCheck('Store', folder, 'Free some space, or set HELIOS_STORE to a larger disk.');
}

async function checkTemp(): Promise<Check> {
  await using folder = await createWorkFolder('doctor');
  await writeFile(path.join(folder.path, 'file'), 'writable');
  return spaceCheck('Temp folder', tmpdir(), 'Free some space, or set TMPDIR to a larger disk.');
}

function checkMemory(): Check {
  const free = process.availableMemory();
  const found = `${formatBytes(free)} available`;
  const name = 'Memory';
  return free < GIGABYTE
    ? { name, status: 'warn', found, remedy: 'Render with --concurrency 1, or end other programs.' }
    : { name, status: 'ok', found };
}

/** A check that throws has failed; errors of ours say in their message what to do. */
async function attempt(name: string, check: () => Promise<Check> | Check): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return { name, status: 'fail', found: error instanceof Error ? error.message : String(error) };
  }
}

/** Looks at everything that rendering needs, one thing after the other. */
export async function* runChecks(): AsyncGenerator<Check> {
  yield await attempt('Node.js', checkNode);
  yield* checkBrowser();
  yield await attempt('FFmpeg', checkFfmpeg);
  yield await attempt('Encoders', checkEncoders);
  yield await attempt('Fonts', checkFonts);
  yield await attempt('Store', checkStore);
  yield await attempt('Temp folder', checkTemp);
  yield await attempt('Memory', checkMemory);
}
