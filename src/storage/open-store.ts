import path from 'node:path';
import { KitError } from '../utils/errors.ts';
import { cacheFolder } from '../utils/paths.ts';
import { GcsStore } from './gcs-store.ts';
import { LocalStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3Store } from './s3-store.ts';

/**
 * The store at an address.
 * @param url a folder, `s3://bucket/prefix` or `gs://bucket/prefix`; @default `HELIOS_STORE`, else `store` in the user's cache folder
 * @throws StoreAddressError, UnsafePathError, KitError
 */
export function openStore(url = process.env.HELIOS_STORE || path.join(cacheFolder(), 'store')): ObjectStore {
  if (/^s3:\/\//i.test(url)) return new S3Store(url);
  if (/^gs:\/\//i.test(url)) return new GcsStore(url);
  if (/^[a-z0-9]+:\/\//i.test(url)) {
    throw new KitError(
      `No store of this kind: ${url}. HELIOS_STORE takes a folder, s3://bucket/prefix or gs://bucket/prefix.`,
      {
        details: { url },
      },
    );
  }
  return new LocalStore(url);
}
