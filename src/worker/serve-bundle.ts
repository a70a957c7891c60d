import type { BlobLease } from '../storage/blob-cache.ts';
import type { BundleManifest } from '../storage/bundle.ts';
import { BlobDamagedError, type HeliosError, NotFoundError, StorageError } from '../utils/errors.ts';
import type { FileLookup } from './serve-file.ts';

/** Why a file of a bundle could not be had, with its name. */
function unserved(name: string, error: unknown): Error {
  const Kind = [BlobDamagedError, StorageError, NotFoundError].find((type) => error instanceof type);
  if (!Kind) return error as Error;
  return new Kind(`The composition's file ${name} can't be had: ${(error as HeliosError).message}`, {
    cause: error,
    details: { ...(error as HeliosError).details, file: name },
  });
}

/**
 * Finds a bundle's files.
 * @param missed filled with what kept files from being served: the store's faults, which the page can't tell
 */
export function bundleLookup({ files }: BundleManifest, blobs: BlobLease, missed: Error[]): FileLookup {
  return async (name) => {
    const entry = Object.hasOwn(files, name) ? files[name] : undefined;
    if (!entry) return undefined;
    const { sha256, size, contentType } = entry;
    try {
      return { file: await blobs.file(sha256, size), size, contentType };
    } catch (error) {
      missed.push(unserved(name, error));
      throw error;
    }
  };
}
