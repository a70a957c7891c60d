import { constants, type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { CompositionNotFoundError, UnsafePathError } from '../utils/errors.ts';
import { errorCode } from '../utils/fs-errors.ts';

/** A file that stays the same one, whatever its path comes to lead to. */
export interface OpenFile {
  /** To be read by until the work with it is done. */
  readonly path: string;
  readonly size: number;
}

/**
 * Works with a file below a folder. What was opened is what is checked: a link that comes into its way leads nowhere
 * else. Where the system has no `/proc`, a path is checked and then read.
 * @param root a real path @throws UnsafePathError when it lies outside; CompositionNotFoundError when it can't be read
 */
export async function openWithin<T>(
  root: string,
  file: string,
  work: (opened: OpenFile) => Promise<T>,
): Promise<T> {
  // A pipe that took the file's place would be waited for.
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new CompositionNotFoundError(`Can't read ${file} (${errorCode(cause)}).`, {
      cause,
      details: { file },
    });
  });
  const { at, target } = await placeOf(handle, file);
  const info = await handle.stat();
  if (path.relative(root, target).startsWith('..') || !info.isFile()) {
    throw new UnsafePathError(
      `${file} was exchanged while the composition was read, and leads out of it. Render when nothing writes to it.`,
      { details: { file, target } },
    );
  }
  return await work({ path: at, size: info.size });
}

async function placeOf(handle: FileHandle, file: string): Promise<{ at: string; target: string }> {
  const at = `/proc/self/fd/${handle.fd}`;
  if (process.platform === 'linux') return { at, target: await readlink(at) };
  return { at: file, target: await realpath(file) };
}
