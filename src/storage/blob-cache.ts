import { rmSync } from 'node:fs';
import { freeBytes } from '../utils/disk-space.ts';
import { createWorkFolder, type WorkFolder } from '../utils/work-folder.ts';
import { blobKey } from './bundle.ts';
import { localCopy } from './local-copy.ts';
import type { ObjectStore } from './object-store.ts';

const GIBIBYTE = 1024 ** 3;

interface Kept {
  readonly size: number;
  /** Undefined until it is there. */
  file: string | undefined;
  users: number;
}

/** The files that one piece of work reads; they stay until it is disposed of. */
export interface BlobLease extends Disposable {
  /**
   * A file of this machine with a blob's bytes, which were checked when they came.
   * @throws NotFoundError, StorageError, DiskFullError, OutputError
   */
  file(sha256: string, size: number): Promise<string>;
}

/**
 * Blobs of a store as files of this machine: each is fetched once, and the least recently used ones go when they
 * take more than a limit, at most a quarter of the disk's room. A store on this machine is read in its place.
 */
export class BlobCache implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #stop = new AbortController();
  /** The least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #folder: Promise<WorkFolder> | undefined;
  readonly #maxBytes: number;
  #limit = 0;

  /** @param maxBytes of blobs that nobody uses; @default 1 GiB */
  constructor(store: ObjectStore, maxBytes = GIBIBYTE) {
    this.#store = store;
    this.#maxBytes = maxBytes;
  }

  lease(): BlobLease {
    const held = new Set<Kept>();
    let over = false;
    return {
      file: async (sha256, size) => {
        const key = blobKey(sha256);
        const { path: folder } = await this.#open();
        const copy = () => localCopy(this.#store, key, folder, { sha256, signal: this.#stop.signal });
        if (this.#store.localPath(key) !== undefined) return copy();
        const kept = this.#kept.get(key) ?? { size, file: undefined, users: 0 };
        this.#kept.delete(key);
        this.#kept.set(key, kept);
        if (!over && !held.has(kept)) {
          kept.users++;
          held.add(kept);
        }
        kept.file = await copy();
        return kept.file;
      },
      [Symbol.dispose]: () => {
        over = true;
        for (const kept of held) kept.users--;
        held.clear();
        this.#evict();
      },
    };
  }

  #open(): Promise<WorkFolder> {
    this.#folder ??= this.#make().catch((error: unknown) => {
      this.#folder = undefined;
      throw error;
    });
    return this.#folder;
  }

  async #make(): Promise<WorkFolder> {
    const folder = await createWorkFolder('blobs');
    this.#limit = Math.min(this.#maxBytes, (await freeBytes(folder.path)) / 4);
    return folder;
  }

  /** In one go, so that nobody takes a file that is about to go. */
  #evict(): void {
    let total = 0;
    for (const { size } of this.#kept.values()) total += size;
    for (const [key, { size, file, users }] of this.#kept) {
      if (total <= this.#limit) return;
      if (users > 0) continue;
      if (file) rmSync(file, { force: true });
      this.#kept.delete(key);
      total -= size;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await (await this.#folder)?.[Symbol.asyncDispose]();
  }
}
