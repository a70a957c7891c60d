import path from 'node:path';
import { KitError } from '../utils/errors.ts';
import { cacheFolder } from '../utils/paths.ts';
import { LocalStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3Store } from './s3-store.ts';

/**
 * The store at an address.
 * @param url a folder, or `s3://bucket/prefix`; @default `HELIOS_STORE`, else `store` in the user's cache folder
 * @throws StoreAddressError, UnsafePathError, KitError
 */
export function openStore(url = process.env.HELIOS_STORE || path.join(cacheFolder(), 'store')): ObjectStore {
  if (/^s3:\/\//i.test(url)) return new S3Store(url);
  if (/^[a-z0-9]+:\/\//i.test(url)) {
    throw new KitError(`No store of this kind: ${url}. HELIOS_STORE takes a folder, or s3://bucket/prefix.`, {
      details: { url },
    });
  }
  return new LocalStore(url);
}
