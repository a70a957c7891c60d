import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './fs-errors.ts';

/**
 * Makes a folder and those above it. Unlike Node's own recursive `mkdir` it ends where a folder exists but takes
 * no new ones, as below /proc.
 * @returns the outermost folder that it made
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return undefined;
    const parent = path.dirname(folder);
    if (code !== 'ENOENT' || (await stat(parent).catch(() => undefined))) throw error;
    const outermost = await makeFolder(parent);
    return (await makeFolder(folder)) === undefined ? outermost : (outermost ?? folder);
  }
}
