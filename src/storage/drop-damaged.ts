import { BlobDamagedError } from '../utils/errors.ts';
import type { ObjectStore } from './object-store.ts';

const OF_COMPOSITIONS = /^(?:blobs|bundles)\//;

/** Takes a composition's damaged file out of the store, so that it is put there anew. @returns whether an error names one */
export async function dropDamaged(store: ObjectStore, error: unknown): Promise<boolean> {
  if (!(error instanceof BlobDamagedError)) return false;
  const { key } = error.details;
  if (typeof key !== 'string' || !OF_COMPOSITIONS.test(key)) return false;
  await store.delete(key);
  return true;
}
