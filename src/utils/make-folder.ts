import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './fs-errors.ts';

/**
 * Makes a folder and those above it. Unlike Node's own recursive `mkdir` it ends where a folder exists but takes
 * no new ones, as below /proc.
 * @param again whether to try once more when there is no parent at first
 * @returns the outermost folder that it made
 */
export async function makeFolder(folder: string, again = true): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return undefined;
    if (code !== 'ENOENT') throw error;
    const parent = path.dirname(folder);
    if (await stat(parent).catch(() => undefined)) {
      if (!again) throw error;
      // Somebody else may have made it in between.
      return makeFolder(folder, false);
    }
    const outermost = await makeFolder(parent);
    return (await makeFolder(folder)) === undefined ? outermost : (outermost ?? folder);
  }
}
