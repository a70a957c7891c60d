import { DeleteBucketCommand, GetBucketTaggingCommand, S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Farm } from '../types/farm.ts';
import { runLimited } from '../utils/run-limited.ts';
import { askAws } from './aws-errors.ts';

const MAX_REQUESTS = 32;

/** Deletes everything in a store. @returns how many objects there were */
export async function emptyStore(store: ObjectStore): Promise<number> {
  const found: string[] = [];
  for await (const { key } of store.list('')) found.push(key);
  await runLimited(found, MAX_REQUESTS, undefined, (key) => store.delete(key));
  return found.length;
}

/** Deletes a farm's bucket when the farm made it; it must be empty. @returns whether it was deleted */
export async function deleteOwnBucket({ bucket, name }: Farm): Promise<boolean> {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const client = new S3Client({ forcePathStyle: Boolean(endpoint) });
  const region = () => client.config.region();
  try {
    const tags = await askAws({ permission: 's3:GetBucketTagging', resource: bucket, region }, () =>
      client
        .send(new GetBucketTaggingCommand({ Bucket: bucket }))
        .then(({ TagSet }) => TagSet ?? [])
        .catch((error: Error) => {
          if (error.name === 'NoSuchTagSet') return [];
          throw error;
        }),
    );
    if (!tags.some(({ Key, Value }) => Key === 'helios-infra:farm' && Value === name)) return false;
    await askAws({ permission: 's3:DeleteBucket', resource: bucket, region }, () =>
      client.send(new DeleteBucketCommand({ Bucket: bucket })),
    );
    return true;
  } finally {
    client.destroy();
  }
}
