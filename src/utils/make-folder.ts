import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from './fs-errors.ts';

/**
 * Makes a folder and those above it. Unlike Node's own recursive `mkdir` it ends where a folder exists but takes
 * no new ones, as below /proc.
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const parent = path.dirname(folder);
    if (code !== 'ENOENT' || (await stat(parent).catch(() => undefined))) throw error;
    await makeFolder(parent);
    await mkdir(folder).catch((late: unknown) => {
      if (errorCode(late) !== 'EEXIST') throw late;
    });
  }
}
