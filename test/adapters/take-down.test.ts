import {
  CreateBucketCommand,
  DeleteBucketCommand,
  HeadBucketCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deleteOwnBucket } from '../../src/adapters/empty-bucket.ts';
import { farmStore } from '../../src/adapters/farm.ts';
import type { StandingFarm } from '../../src/adapters/standing-farm.ts';
import { takeDown } from '../../src/adapters/take-down.ts';
import { DeployError } from '../../src/utils/errors.ts';
import { TestFarm } from '../helpers/test-farm.ts';

let cloud: TestFarm;
let client: S3Client;
beforeEach(async () => {
  cloud = await TestFarm.open();
  client = new S3Client({ forcePathStyle: true });
});
afterEach(async () => {
  client.destroy();
  await cloud[Symbol.asyncDispose]();
});

const farmIn = (bucket: string, keepBucket: boolean): StandingFarm => {
  const { name, stateMachineArn } = cloud.parameter;
  return { name, stateMachineArn, region: 'us-east-1', prefix: 'video', bucket, keepBucket };
};

/** A bucket with objects of a farm. */
async function farmWith(bucket: string, keepBucket: boolean): Promise<StandingFarm> {
  const farm = farmIn(bucket, keepBucket);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const key of ['renders/one/output.mp4', 'segments/x']) await farmStore(farm).put(key, 'bytes');
  return farm;
}

/** Deletes the bucket as CloudFormation does: only when it is empty. */
async function deleteStack(): Promise<void> {
  try {
    await client.send(new DeleteBucketCommand({ Bucket: 'goes' }));
  } catch (cause) {
    throw new DeployError('cdk destroy failed.', { cause });
  }
  cloud.gone = true;
}

test('a bucket that goes with its stack is emptied before', async () => {
  const farm = await farmWith('goes', false);
  // The console marks a folder by such a key.
  await client.send(new PutObjectCommand({ Bucket: 'goes', Key: 'folder/', Body: Buffer.alloc(0) }));
  await expect(deleteStack()).rejects.toMatchObject({ name: 'DeployError' });
  const say = vi.fn();
  expect(await takeDown(farm, { deleteOutputs: false, deleteStack, say })).toEqual({
    objects: 3,
    bucketGone: true,
  });
  expect(say).toHaveBeenCalledExactlyOnceWith('Deleting everything in s3://goes');
});

test('renders that run are stopped first, and what a function still writes is waited out', async () => {
  const farm = await farmWith('goes', false);
  for (const [name, status] of [
    ['long', 'RUNNING'],
    ['done', 'SUCCEEDED'],
  ] as const)
    cloud.executions.set(name, { events: undefined as never, input: '{}', startDate: 1, status });
  let tries = 0;
  const late = async () => {
    expect(cloud.executions.get('long')?.status).toBe('ABORTED');
    if (tries++ === 0) await farmStore(farm).put('segments/late', 'bytes');
    await deleteStack();
  };
  const say = vi.fn();
  const gone = await takeDown(farm, { deleteOutputs: false, deleteStack: late, say });
  expect(gone).toEqual({ objects: 3, bucketGone: true });
  expect(tries).toBe(2);
  expect(say).toHaveBeenNthCalledWith(1, 'Stopping the render long');
  expect(cloud.executions.get('done')?.status).toBe('SUCCEEDED');
});

test('a bucket that is left although its stack is gone goes, too', async () => {
  const farm = await farmWith('goes', false);
  const leaves = async () => {
    await farmStore(farm).put('segments/late', 'bytes');
    cloud.gone = true;
  };
  const gone = await takeDown(farm, { deleteOutputs: false, deleteStack: leaves, say: () => {} });
  expect(gone).toEqual({ objects: 3, bucketGone: true });
  await expect(client.send(new HeadBucketCommand({ Bucket: 'goes' }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 404 },
  });
});

test('a stack that can not be deleted is tried twice, and its error is told', async () => {
  const farm = await farmWith('goes', false);
  const fails = vi.fn(() => Promise.reject(new DeployError('cdk destroy failed.')));
  const options = { deleteOutputs: false, deleteStack: fails, say: () => {} };
  await expect(takeDown(farm, options)).rejects.toThrow('cdk destroy failed.');
  expect(fails).toHaveBeenCalledTimes(2);
});

test('one that is gone already is no error', async () => {
  cloud.gone = true;
  const farm = farmIn('gone', false);
  const gone = await takeDown(farm, { deleteOutputs: true, deleteStack: async () => {}, say: () => {} });
  expect(gone).toEqual({ objects: 0, bucketGone: true });
  expect(await deleteOwnBucket(farm)).toBe(true);
});

test('one that is kept loses its outputs only when told to, after the stack', async () => {
  const farm = await farmWith('kept', true);
  const stackGoes = vi.fn(async () => {
    expect(await farmStore(farm).head('renders/one/output.mp4')).toBeDefined();
    cloud.gone = true;
  });
  const options = { deleteStack: stackGoes, say: () => {} };
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

test('outputs that can not be deleted once the stack is gone are told, with what deletes them', async () => {
  const farm = await farmWith('stays', true);
  const elsewhere = { ...farm, bucket: 'not-there' };
  const deleteStack = async () => {
    cloud.gone = true;
  };
  await expect(takeDown(elsewhere, { deleteOutputs: true, deleteStack, say: vi.fn() })).rejects.toMatchObject(
    {
      name: 'DeployError',
      message: expect.stringContaining('aws s3 rm --recursive s3://not-there/video'),
      details: { farm: farm.name, bucket: 'not-there' },
    },
  );
});

test('outputs stay when the CDK ends well and the farm is still there', async () => {
  const farm = await farmWith('kept', true);
  const options = { deleteOutputs: true, deleteStack: async () => {}, say: () => {} };
  await expect(takeDown(farm, options)).rejects.toMatchObject({
    name: 'DeployError',
    message: expect.stringContaining('is still in us-east-1'),
  });
  expect(await farmStore(farm).head('renders/one/output.mp4')).toBeDefined();
});
