import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { NotFoundError } from '../utils/errors.ts';
import { toStoreError } from './s3-errors.ts';

/**
 * Finds out why S3 answered 403 to a read: it says so of what is not there, too, to who may not list the bucket.
 * @returns AccessDeniedError that names the permission that is missing, or NotFoundError
 */
export async function refusedRead(
  client: S3Client,
  { bucket, key, cause }: { readonly bucket: string; readonly key: string; readonly cause: unknown },
): Promise<Error> {
  const since = performance.now();
  try {
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: key, MaxKeys: 1 }),
    );
    if (Contents.some(({ Key }) => Key === key))
      return toStoreError(cause, { action: 'read', bucket, key, since });
    return new NotFoundError(`The store has no s3://${bucket}/${key}.`, { cause, details: { bucket, key } });
  } catch {
    return toStoreError(cause, { action: 'tell', bucket, key, since });
  }
}
