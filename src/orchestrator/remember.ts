import { findJson, type ObjectStore, putJson } from '../storage/object-store.ts';
import { canonicalJson, sha256 } from '../utils/digest.ts';

export type Remember = <T>(
  question: unknown,
  find: () => Promise<T>,
  holds?: (known: T) => Promise<boolean>,
) => Promise<T>;

/**
 * Remembers in the store what was measured of a bundle, so that planning it again is quick and comes out the same.
 * @param changes whether what the page shows may change by itself
 */
export function memory(
  store: ObjectStore,
  version: string,
  trusted: boolean,
  changes: () => boolean,
): Remember {
  return async <T>(
    question: unknown,
    find: () => Promise<T>,
    holds: (known: T) => Promise<boolean> = async () => true,
  ) => {
    if (changes()) return find();
    const key = `probes/${sha256(canonicalJson({ question, worker: version }))}.json`;
    const known = trusted ? await findJson(store, key) : undefined;
    if (known && (await holds(known as T))) return known as T;
    const found = await find();
    if (!changes()) await putJson(store, key, found);
    return found;
  };
}
