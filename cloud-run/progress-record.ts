import { keys } from '../src/storage/keys.ts';
import { type ObjectStore, putJson } from '../src/storage/object-store.ts';
import type { RenderProgress } from '../src/types/render-result.ts';

const INTERVAL_MS = 2_000;

/** Keeps a render's progress in the store, as `progress.json`: every two seconds, and at last as it ended. */
export class ProgressRecord implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #key: string;
  #latest: RenderProgress | undefined;
  #told = 0;
  #writing = Promise.resolve();

  constructor(store: ObjectStore, id: string) {
    this.#store = store;
    this.#key = keys.progressOfRun(id);
  }

  update(progress: RenderProgress): void {
    this.#latest = progress;
    if (performance.now() - this.#told >= INTERVAL_MS) this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#write();
    await this.#writing;
  }

  /** One after the other: an older progress must not come last. What can't be written ends no render. */
  #write(): void {
    const progress = this.#latest;
    if (!progress) return;
    this.#told = performance.now();
    this.#writing = this.#writing.then(() => putJson(this.#store, this.#key, progress)).catch(() => {});
  }
}
