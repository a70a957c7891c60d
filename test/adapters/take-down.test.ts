import { CreateBucketCommand, DeleteBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deleteOwnBucket } from '../../src/adapters/empty-bucket.ts';
import { farmStore } from '../../src/adapters/farm.ts';
import { takeDown } from '../../src/adapters/take-down.ts';
import type { Farm } from '../../src/types/farm.ts';
import { TestS3 } from '../helpers/test-s3.ts';

let s3: TestS3;
let client: S3Client;
beforeEach(async () => {
  s3 = await TestS3.open();
  client = new S3Client({ forcePathStyle: true });
});
afterEach(async () => {
  client.destroy();
  await s3[Symbol.asyncDispose]();
});

const functions = { plan: 'p', render: 'r', audio: 'a', stitch: 's', failure: 'f' };
const place = { name: 'films', version: '1', stateMachineArn: 'arn', functions };

/** A bucket with objects of a farm. */
async function farmWith(bucket: string, keepBucket: boolean): Promise<Farm> {
  const farm: Farm = { ...place, prefix: 'video', bucket, keepBucket };
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const key of ['renders/one/output.mp4', 'segments/x']) await farmStore(farm).put(key, 'bytes');
  return farm;
}

/** Deletes the bucket as CloudFormation does: only when it is empty. */
async function deleteStack(): Promise<void> {
  await client.send(new DeleteBucketCommand({ Bucket: 'goes' }));
}

test('a bucket that goes with its stack is emptied before', async () => {
  const farm = await farmWith('goes', false);
  // The console marks a folder by such a key.
  await client.send(new PutObjectCommand({ Bucket: 'goes', Key: 'folder/', Body: Buffer.alloc(0) }));
  await expect(deleteStack()).rejects.toMatchObject({ name: 'BucketNotEmpty' });
  const onEmpty = vi.fn();
  const gone = await takeDown(farm, { deleteOutputs: false, deleteStack, onEmpty });
  expect(gone).toEqual({ objects: 3, bucketGone: true });
  expect(onEmpty).toHaveBeenCalledExactlyOnceWith('s3://goes');
});

test('one that is gone already is no error', async () => {
  const farm: Farm = { ...place, prefix: '', bucket: 'gone', keepBucket: false };
  const gone = await takeDown(farm, { deleteOutputs: true, deleteStack: async () => {}, onEmpty: () => {} });
  expect(gone).toEqual({ objects: 0, bucketGone: true });
  expect(await deleteOwnBucket(farm)).toBe(true);
});

test('one that is kept loses its outputs only when told to, after the stack', async () => {
  const farm = await farmWith('kept', true);
  const stackGoes = vi.fn(async () => {
    expect(await farmStore(farm).head('renders/one/output.mp4')).toBeDefined();
  });
  const options = { deleteStack: stackGoes, onEmpty: () => {} };
  expect(await takeDown(farm, { ...options, deleteOutputs: false })).toEqual({
    objects: undefined,
    bucketGone: false,
  });
  expect(await takeDown(farm, { ...options, deleteOutputs: true })).toEqual({
    objects: 2,
    bucketGone: false,
  });
  expect(stackGoes).toHaveBeenCalledTimes(2);
});
