import { keys } from '../storage/keys.ts';
import { findJson, type ObjectStore } from '../storage/object-store.ts';
import { type SegmentProgress, segmentProgressSchema } from '../types/farm.ts';
import { runLimited } from '../utils/run-limited.ts';

const MAX_REQUESTS = 16;
/** Errors of segments lie beside them. */
const SEGMENT = /\/\d+\.json$/;

/** Reads what a render's workers said of finished segments, each once. */
export class ProgressReader {
  readonly id: string;
  readonly #store: ObjectStore;
  /** By key and time of writing: a resumed render writes anew. */
  readonly #read = new Map<string, SegmentProgress | undefined>();

  constructor(store: ObjectStore, id: string) {
    this.#store = store;
    this.id = id;
  }

  /** @param since what was written before belongs to an earlier execution */
  async read(since: Date): Promise<SegmentProgress[]> {
    // S3 tells whole seconds.
    const from = Math.floor(since.getTime() / 1000) * 1000;
    const found: { key: string; mark: string }[] = [];
    for await (const { key, modified } of this.#store.list(keys.progressOf(this.id)))
      if (SEGMENT.test(key) && modified.getTime() >= from)
        found.push({ key, mark: `${key} ${modified.getTime()}` });
    const fresh = found.filter(({ mark }) => !this.#read.has(mark));
    await runLimited(fresh, MAX_REQUESTS, undefined, async ({ key, mark }) => {
      this.#read.set(mark, segmentProgressSchema.safeParse(await findJson(this.#store, key)).data);
    });
    return found.map(({ mark }) => this.#read.get(mark)).filter((told) => told !== undefined);
  }
}
