import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutputBusyError } from '../utils/errors.ts';
import { errorCode, toWriteError } from '../utils/fs-errors.ts';
import { makeFolder } from '../utils/make-folder.ts';
import { isRunning, pidOf, processTag } from '../utils/process-tag.ts';
import { sweepFolder } from '../utils/work-folder.ts';

const ATTEMPTS = 5;
const CLAIM_PAUSE_MS = 20;

const claimOf = (lock: string, number: number): string => `${lock}.claim${number}`;

/** Places a file where there is none. @returns false when there is one */
async function placeNew(file: string, target: string): Promise<boolean> {
  try {
    await link(file, target).catch(async (error: unknown) => {
      // Disks without links: FAT and some network shares.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error) ?? '')) throw error;
      await copyFile(file, target, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The tag of the process that a lock names; empty when it names none, or is gone. */
function ownerOf(lock: string): Promise<string> {
  return readFile(lock, 'utf8').catch(() => '');
}

const contentOf = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });

/**
 * Takes the lock of a dead process away. Of all that see it one may: the one that holds a claim. A claim whose process
 * was killed is passed by.
 * @param own names this process
 */
async function removeStale(lock: string, own: string): Promise<void> {
  for (let number = 0; ; number++) {
    const claim = claimOf(lock, number);
    if (await placeNew(own, claim)) {
      try {
        const owner = await contentOf(lock);
        if (owner !== undefined && !isRunning(owner)) await rm(lock);
      } finally {
        await rm(claim, { force: true });
      }
      return;
    }
    const holder = await contentOf(claim);
    // One that is empty is being written.
    if (holder === '' || (holder && isRunning(holder))) await sleep(CLAIM_PAUSE_MS);
    else if (holder) continue;
    return;
  }
}

/** Removes the claims of dead processes. */
async function sweepClaims(lock: string): Promise<void> {
  for (let number = 0; ; number++) {
    const holder = await contentOf(claimOf(lock, number));
    if (!holder || isRunning(holder)) return;
    await rm(claimOf(lock, number), { force: true });
  }
}

/** The right to write one output, held by a file beside it that names this process. */
export class OutputLock implements AsyncDisposable {
  readonly #lock: string;
  /** The outermost folder that was made for it. */
  readonly #made: string | undefined;

  private constructor(lock: string, made: string | undefined) {
    this.#lock = lock;
    this.#made = made;
  }

  /**
   * @param output as the user knows it, for messages
   * @throws OutputBusyError, OutputError, DiskFullError
   */
  static async take(lock: string, output: string): Promise<OutputLock> {
    const folder = path.dirname(lock);
    const own = `${lock}.${processTag}.${randomUUID()}`;
    let made: string | undefined;
    let owner = '';
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        made = (await makeFolder(folder)) ?? made;
        try {
          await writeFile(own, processTag);
          if (await placeNew(own, lock)) {
            await sweepFolder(folder, `${path.basename(lock)}.`);
            await sweepClaims(lock);
            return new OutputLock(lock, made);
          }
        } catch (error) {
          // Another render has failed and taken its empty folder away.
          if (errorCode(error) === 'ENOENT') continue;
          throw error;
        }
        owner = await ownerOf(lock);
        if (isRunning(owner)) break;
        await removeStale(lock, own);
      }
    } catch (error) {
      await removeFolders(folder, made);
      throw toWriteError(error, output);
    } finally {
      await rm(own, { force: true }).catch(() => {});
    }
    const pid = pidOf(owner);
    throw new OutputBusyError(
      `Another render (process ${pid}) is writing ${output}. Wait for it, or choose another path; if there is none, delete ${lock}.`,
      { details: { file: output, pid } },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#lock, { force: true });
    await removeFolders(path.dirname(this.#lock), this.#made);
  }
}

/** Removes a folder and those above it up to `outermost`, as far as they are empty. */
async function removeFolders(folder: string, outermost: string | undefined): Promise<void> {
  if (outermost === undefined) return;
  try {
    for (let at = folder; at.startsWith(outermost); at = path.dirname(at)) await rmdir(at);
  } catch {
    // Not empty: it is of use.
  }
}
