import { mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KitError } from '../utils/errors.ts';
import { errorCode, toWriteError } from '../utils/fs-errors.ts';
import { makeFolder } from '../utils/make-folder.ts';
import { cacheFolder } from '../utils/paths.ts';

const NOT_OURS = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'];

/** Below a folder that all users share: nobody else may have put a browser there. */
async function privateFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(folder);
  if (uid === process.getuid?.() && (mode & 0o022) === 0) return folder;
  throw new KitError(`${folder} belongs to another user, or others may write to it. Set XDG_CACHE_HOME.`, {
    details: { folder, uid },
  });
}

/**
 * Makes the folder of the unpacked kit: `kit` in the user's cache folder, or where that can't be written, as on
 * Lambda, `helios-infra/kit` in the temporary folder.
 * @throws KitError, OutputError, DiskFullError
 */
export async function makeKitFolder(): Promise<string> {
  const own = path.join(cacheFolder(), 'kit');
  try {
    await makeFolder(own);
    return own;
  } catch (error) {
    if (!NOT_OURS.includes(errorCode(error) ?? '')) throw toWriteError(error, own);
  }
  const shared = path.join(tmpdir(), 'helios-infra', 'kit');
  try {
    await privateFolder(path.dirname(shared));
    return await privateFolder(shared);
  } catch (error) {
    throw toWriteError(error, shared);
  }
}
