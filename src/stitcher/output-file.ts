import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { OutputError } from '../utils/errors.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { OutputLock } from './output-lock.ts';

/**
 * An output being written beside its place: nobody sees it before `commit` moves it there, and no other render
 * writes the same one meanwhile.
 */
export class OutputFile implements AsyncDisposable {
  /** Where it will be. */
  readonly target: string;
  /** Where to write: a file, or for a sequence a pattern in a folder of its own. */
  readonly partial: string;
  readonly #lock: OutputLock;
  readonly #partialRoot: string;

  private constructor(target: string, partial: string, partialRoot: string, lock: OutputLock) {
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
    const partialRoot = path.join(folder, `.${name}.partial${path.extname(name)}`);
    const partial = sequence === undefined ? partialRoot : path.join(partialRoot, name);
    const lock = await OutputLock.take(path.join(folder, `.${name}.lock`), full);
    const output = new OutputFile(target, partial, partialRoot, lock);
    try {
      // The encoder of a killed render may still write there.
      await rm(partialRoot, { recursive: true, force: true, maxRetries: 3 });
      if (sequence !== undefined) await mkdir(partialRoot);
      return output;
    } catch (error) {
      await output[Symbol.asyncDispose]();
      throw toWriteError(error, full);
    }
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
    await this.#lock[Symbol.asyncDispose]();
  }
}
