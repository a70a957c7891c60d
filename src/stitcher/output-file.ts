import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { OutputBusyError, OutputError } from '../utils/errors.ts';
import { errorCode, toWriteError } from '../utils/fs-errors.ts';
import { makeFolder } from '../utils/make-folder.ts';
import { isAlive } from '../utils/work-folder.ts';

/**
 * An output being written beside its place: nobody sees it before `commit` moves it there, and no other render
 * writes the same one meanwhile.
 */
export class OutputFile implements AsyncDisposable {
  /** Where it will be. */
  readonly target: string;
  /** Where to write: a file, or for a sequence a pattern in a folder of its own. */
  readonly partial: string;
  readonly #lock: string;
  readonly #partialRoot: string;

  private constructor(target: string, partial: string, partialRoot: string, lock: string) {
    this.target = target;
    this.partial = partial;
    this.#partialRoot = partialRoot;
    this.#lock = lock;
  }

  /**
   * Takes the output for this render.
   * @param outputPath a file; for a sequence a folder, or a pattern with `%d` or `%0Nd`
   * @param sequence ending of a sequence's pictures; `undefined` for one file
   * @throws OutputBusyError, OutputError, DiskFullError
   */
  static async reserve(outputPath: string, sequence?: string): Promise<OutputFile> {
    const full = path.resolve(outputPath);
    const isPattern = /%\d*d/.test(path.basename(full));
    const isFolder = sequence !== undefined && !isPattern;
    const target = isFolder ? path.join(full, `%05d.${sequence}`) : full;
    const folder = path.dirname(target);
    if (sequence === undefined && (await stat(full).catch(() => undefined))?.isDirectory()) {
      throw new OutputError(`Can't write ${full}: it is a folder. Name a file in it.`, {
        details: { file: full },
      });
    }
    const name = path.basename(target);
    const lock = path.join(folder, `.${name}.lock`);
    await makeFolder(folder).catch((error: unknown) => {
      throw toWriteError(error, target);
    });
    await takeLock(lock, full);
    const partialRoot = path.join(folder, `.${name}.partial${path.extname(name)}`);
    const partial = sequence === undefined ? partialRoot : path.join(partialRoot, name);
    await rm(partialRoot, { recursive: true, force: true });
    if (sequence !== undefined) await mkdir(partialRoot, { recursive: true });
    return new OutputFile(target, partial, partialRoot, lock);
  }

  /** Moves the finished output to its place. @returns its size in bytes */
  async commit(): Promise<number> {
    try {
      if (this.partial === this.#partialRoot) {
        await rename(this.partial, this.target);
        return (await stat(this.target)).size;
      }
      let bytes = 0;
      for (const name of (await readdir(this.#partialRoot)).sort()) {
        const place = path.join(path.dirname(this.target), name);
        await rename(path.join(this.#partialRoot, name), place);
        bytes += (await stat(place)).size;
      }
      return bytes;
    } catch (error) {
      throw toWriteError(error, this.target);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#partialRoot, { recursive: true, force: true });
    await rm(this.#lock, { force: true });
  }
}

async function takeLock(lock: string, output: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(lock, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      return;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw toWriteError(error, output);
      const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (attempt > 0 || (owner && isAlive(owner))) {
        throw new OutputBusyError(
          `Another render (process ${owner}) is writing ${output}. Wait for it, or choose another path.`,
          {
            details: { file: output, pid: owner },
          },
        );
      }
      await rm(lock, { force: true });
    }
  }
}
