import { StoreAddressError } from '../utils/errors.ts';
import { assertSafeRelativePath } from '../utils/paths.ts';

export interface BucketAddress {
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

/**
 * The parts of `s3://bucket/prefix` or `gs://bucket/prefix`.
 * @throws StoreAddressError, UnsafePathError
 */
export function parseBucketAddress(scheme: 's3' | 'gs', url: string): BucketAddress {
  // Cloud Storage allows "_", and longer names with dots.
  const names =
    scheme === 's3' ? /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/ : /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
  const [, bucket = '', prefix] = new RegExp(`^${scheme}://([^/]*)(?:/(.*?))?/*$`).exec(url) ?? [];
  if (!names.test(bucket)) {
    throw new StoreAddressError(
      `${JSON.stringify(url)} is not the address of a bucket. Write ${scheme}://bucket or ${scheme}://bucket/prefix.`,
      { details: { url } },
    );
  }
  return { bucket, prefix: prefix ? `${assertSafeRelativePath(prefix)}/` : '' };
}
