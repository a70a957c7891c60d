import { chmod, readdir, readFile, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { canonicalJson, sha256 } from '../src/utils/digest.ts';

const deflate = promisify(deflateRaw);
/** The oldest time that a zip file can hold. */
const OLDEST = new Date('1980-01-01T00:00:00Z');
/** A zip file's headers of one entry, without its two names. */
const ZIP_HEADERS = 76;

/** What is in a folder. */
export interface Tree {
  /** Changes with any file's path, mode or content. */
  readonly digest: string;
  readonly bytes: number;
  /** As a zip file, within a few bytes. */
  readonly zippedBytes: number;
}

/** Files below a folder, by their relative paths, in order. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Bytes of all files below a folder. */
export async function folderBytes(folder: string): Promise<number> {
  const sizes = (await listFiles(folder)).map(async (file) => (await stat(path.join(folder, file))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Gives all below a folder the same times, and modes that depend on nothing but who may execute it. */
export async function settleTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => path.join(entry.parentPath, entry.name)).sort();
  // From the innermost outwards: a change within a folder touches it.
  for (const file of [folder, ...paths].toReversed()) {
    const { mode } = await stat(file);
    await chmod(file, mode & 0o111 ? 0o755 : 0o644);
    await utimes(file, OLDEST, OLDEST);
  }
}

/** Reads all of a folder. */
export async function describeTree(folder: string): Promise<Tree> {
  const lines: unknown[] = [];
  let bytes = 0;
  let zippedBytes = 0;
  for (const file of await listFiles(folder)) {
    const full = path.join(folder, file);
    const content = await readFile(full);
    lines.push([file, (await stat(full)).mode & 0o777, sha256(content)]);
    bytes += content.length;
    zippedBytes += (await deflate(content)).length + ZIP_HEADERS + 2 * file.length;
  }
  return { digest: sha256(canonicalJson(lines)), bytes, zippedBytes };
}
