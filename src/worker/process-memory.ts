import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** A stretch of another process's memory. */
export interface MemoryRegion {
  readonly at: number;
  readonly bytes: number;
}

/**
 * The memory of a process that this one has started, as Linux shows it: `/proc/<pid>/mem`, see proc(5). It can be
 * refused where processes are kept apart.
 */
export class ProcessMemory implements Disposable {
  readonly #pid: number;
  readonly #file: number;

  private constructor(pid: number, file: number) {
    this.#pid = pid;
    this.#file = file;
  }

  /** @returns `undefined` when it is refused */
  static open(pid: number): ProcessMemory | undefined {
    try {
      return new ProcessMemory(pid, openSync(`/proc/${pid}/mem`, 'r'));
    } catch {
      return undefined;
    }
  }

  /** Private memory that can be written and that no file is behind, in ascending order. */
  regions(): MemoryRegion[] {
    const maps = readFileSync(`/proc/${this.#pid}/maps`, 'latin1');
    const lines = maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[anon.*\])?$/gm);
    return [...lines].map(([, from = '', to = '']) => {
      const at = Number.parseInt(from, 16);
      return { at, bytes: Number.parseInt(to, 16) - at };
    });
  }

  /** Fills `into` with what lies at an address. @returns false when it is not all there */
  read(into: Uint8Array, at: number): boolean {
    try {
      return readSync(this.#file, into, 0, into.length, at) === into.length;
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
