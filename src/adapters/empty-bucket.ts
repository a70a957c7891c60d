import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Farm } from '../types/farm.ts';
import { HeliosError } from '../utils/errors.ts';
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

/** Deletes everything in a bucket, the console's marks of folders too. @returns how many objects there were; `undefined` when there is no such bucket */
export async function emptyBucket(bucket: string): Promise<number | undefined> {
  using s3 = openClient();
  let count = 0;
  const list = { permission: 's3:ListBucket', resource: bucket, region: s3.region };
  const pages = paginateListObjectsV2({ client: s3.client }, { Bucket: bucket });
  for (;;) {
    const page = await askAws(list, () => unlessGone(pages.next()));
    if (!page) return undefined;
    if (page.done) return count;
    const Objects = (page.value.Contents ?? []).map(({ Key }) => ({ Key }));
    if (Objects.length === 0) continue;
    const request = { permission: 's3:DeleteObject', resource: bucket, region: s3.region };
    const { Errors = [] } = await askAws(request, () =>
      s3.client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })),
    );
    const [first] = Errors;
    if (first) {
      throw new HeliosError(
        `S3 did not delete ${Errors.length} objects of ${bucket}, the first of them ${first.Key}: ${first.Code}. The role or user needs s3:DeleteObject.`,
        { details: { bucket, key: first.Key, code: first.Code } },
      );
    }
    count += Objects.length;
  }
}

/**
 * Deletes a farm's bucket when the farm made it; it must be empty.
 * @returns whether there is no such bucket now
 */
export async function deleteOwnBucket({ bucket, name }: Pick<Farm, 'bucket' | 'name'>): Promise<boolean> {
  using s3 = openClient();
  const { client, region } = s3;
  const tags = await askAws({ permission: 's3:GetBucketTagging', resource: bucket, region }, () =>
    unlessGone(
      client
        .send(new GetBucketTaggingCommand({ Bucket: bucket }))
        .then(({ TagSet }) => TagSet ?? [])
        .catch((error: Error) => {
          if (error.name === 'NoSuchTagSet') return [];
          throw error;
        }),
    ),
  );
  if (!tags) return true;
  if (!tags.some(({ Key, Value }) => Key === 'helios-infra:farm' && Value === name)) return false;
  await deleteBucket(bucket);
  return true;
}

/** Deletes an empty bucket; one that is gone is no error. */
export async function deleteBucket(bucket: string): Promise<void> {
  using s3 = openClient();
  await askAws({ permission: 's3:DeleteBucket', resource: bucket, region: s3.region }, () =>
    unlessGone(s3.client.send(new DeleteBucketCommand({ Bucket: bucket }))),
  );
}

/** `undefined` when the bucket is gone. */
function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: Error) => {
    if (error.name === 'NoSuchBucket') return undefined;
    throw error;
  });
}

function openClient() {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const client = new S3Client({ forcePathStyle: Boolean(endpoint) });
  return { client, region: () => client.config.region(), [Symbol.dispose]: () => client.destroy() };
}
