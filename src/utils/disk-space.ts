import { statfs } from 'node:fs/promises';

/** Bytes that this user may still write to the disk of a folder; Infinity when nobody knows. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
