import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toWriteError } from './fs-errors.ts';

const PREFIX = 'helios-infra-';

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A folder that is removed with `await using`. */
export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * A new empty folder in the system's temporary folder, named after this process.
 * @throws OutputError, DiskFullError
 */
export async function createWorkFolder(purpose: string): Promise<WorkFolder> {
  const prefix = path.join(tmpdir(), `${PREFIX}${process.pid}-${purpose}-`);
  const folder = await mkdtemp(prefix).catch((error: unknown) => {
    throw toWriteError(error, prefix);
  });
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Removes work folders whose process was killed before it could. */
export async function sweepWorkFolders(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) {
      await rm(path.join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
    }
  }
}
