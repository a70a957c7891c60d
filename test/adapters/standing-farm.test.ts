import { afterEach, beforeEach, expect, test } from 'vitest';
import { findStandingFarm } from '../../src/adapters/standing-farm.ts';
import { TestFarm } from '../helpers/test-farm.ts';
import { openStacks } from '../helpers/test-stacks.ts';

let farm: TestFarm;
beforeEach(async () => {
  farm = await TestFarm.open();
});
afterEach(() => farm[Symbol.asyncDispose]());

const outputs = {
  ParameterName: '/helios-infra/default/farm',
  BucketName: 'films',
  StoreUrl: 's3://films/video',
  StateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:renders',
  KeepBucket: 'false',
};
const standing = {
  name: 'default',
  bucket: 'films',
  prefix: 'video',
  stateMachineArn: outputs.StateMachineArn,
  region: 'us-east-1',
};

test('a farm of the package’s own stack is found by its parameter', async () => {
  await using _ = await openStacks({ 'helios-infra-default': outputs });
  expect(await findStandingFarm('default')).toMatchObject({ ...standing, keepBucket: true });
});

test('a farm whose parameter is gone is found by what is left of its stack', async () => {
  farm.gone = true;
  await using _ = await openStacks({ 'helios-infra-default': outputs });
  expect(await findStandingFarm('default')).toEqual({ ...standing, keepBucket: false });
});

test('one of which nothing is left is not found', async () => {
  farm.gone = true;
  await using _ = await openStacks({});
  await expect(findStandingFarm('default')).rejects.toMatchObject({ name: 'FarmNotFoundError' });
});

const refusal = { name: 'DeployError', message: expect.stringContaining('Take the farm out of that app') };

test('a farm in somebody’s own stack is refused', async () => {
  Object.assign(farm.parameter, { stack: 'Films' });
  await using _ = await openStacks({ Films: outputs, 'helios-infra-default': outputs });
  await expect(findStandingFarm('default')).rejects.toMatchObject({
    ...refusal,
    details: { farm: 'default', stack: 'Films' },
  });
});

test('it is refused, too, when that stack is named like the package’s', async () => {
  await using _ = await openStacks({ 'helios-infra-default': { SiteUrl: 'https://example.com' } });
  await expect(findStandingFarm('default')).rejects.toMatchObject(refusal);
});

test('a farm whose stack is not there is refused', async () => {
  await using _ = await openStacks({});
  await expect(findStandingFarm('default')).rejects.toMatchObject({
    name: 'DeployError',
    message: expect.stringContaining('no such stack in us-east-1'),
  });
});
