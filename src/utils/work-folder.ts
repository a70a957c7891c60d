import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toWriteError } from './fs-errors.ts';
import { isRunning, processTag, tagIn } from './process-tag.ts';

const PREFIX = 'helios-infra-';

/** A folder that is removed with `await using`. */
export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * A new empty folder in the system's temporary folder, named after this process.
 * @throws OutputError, DiskFullError
 */
export async function createWorkFolder(purpose: string): Promise<WorkFolder> {
  const prefix = path.join(tmpdir(), `${PREFIX}${processTag}-${purpose}-`);
  const folder = await mkdtemp(prefix).catch((error: unknown) => {
    throw toWriteError(error, prefix);
  });
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Removes from a folder what is named `<prefix><tag of a process that runs no more>…`. */
export async function sweepFolder(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const tag = tagIn(name, prefix);
    if (tag && !isRunning(tag)) {
      await rm(path.join(folder, name), { recursive: true, force: true }).catch(() => {});
    }
  }
}

/** Removes work folders whose process was killed before it could. */
export function sweepWorkFolders(): Promise<void> {
  return sweepFolder(tmpdir(), PREFIX);
}
