import { rm } from 'node:fs/promises';
import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RenderFarm } from '../../cdk/index.ts';
import { packageVersion } from '../../src/utils/package-version.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { eachFunction, propertiesOf, synthFarm } from './synth-farm.ts';
import { testApp } from './test-app.ts';

let assets: PlaceholderAssets;
beforeAll(async () => {
  assets = await placeholderAssets();
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

test('the parameter says where the farm is, in less than 4 KB', () => {
  const { template, stack, farm } = synthFarm((scope) => ({
    assets,
    farmName: 'films',
    prefix: 'video',
    encryptionKey: Key.fromKeyArn(scope, 'Key', 'arn:aws:kms:us-east-1:123456789012:key/k'),
  }));
  const { Name, Value } = propertiesOf({ template, stack }, farm.parameter.parameterName);
  expect(Name).toBe('/helios-infra/films/farm');
  const [, parts] = (Value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  const names = new Map([
    ...eachFunction(farm).map(([name, { function: fn }]) => [
      JSON.stringify(stack.resolve(fn.functionName)),
      name,
    ]),
    [JSON.stringify(stack.resolve(farm.bucket.bucketName)), 'the bucket'],
    [JSON.stringify(stack.resolve(farm.stateMachine.stateMachineArn)), 'the machine'],
    ['{"Ref":"AWS::Region"}', 'the region'],
  ] as [string, string][]);
  const value = parts
    .map((part) => (typeof part === 'string' ? part : names.get(JSON.stringify(part))))
    .join('');
  expect(JSON.parse(value)).toEqual({
    version: packageVersion(),
    region: 'the region',
    stack: stack.stackName,
    bucket: 'the bucket',
    prefix: 'video',
    stateMachineArn: 'the machine',
    functions: { plan: 'plan', render: 'render', audio: 'audio', stitch: 'stitch', failure: 'failure' },
    kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/k',
    maxParallel: 1000,
    keepBucket: true,
    createdBy: '@helios-project/infrastructure',
  });
  expect(value.length).toBeLessThan(1000);
});

test('every resource that can carries the farm’s tags', () => {
  const { template } = synthFarm({ assets, farmName: 'films', tags: { team: 'video' } });
  const tags = [
    { Key: 'helios-infra:farm', Value: 'films' },
    { Key: 'team', Value: 'video' },
  ];
  for (const type of [
    'AWS::S3::Bucket',
    'AWS::Lambda::Function',
    'AWS::StepFunctions::StateMachine',
    'AWS::IAM::Role',
  ])
    template.allResourcesProperties(type, { Tags: Match.arrayWith(tags) });
});

test('two farms stand in one stack, each with its own parts', () => {
  const stack = new Stack(testApp(), 'Theirs');
  new RenderFarm(stack, 'One', { assets, farmName: 'one' });
  new RenderFarm(stack, 'Two', { assets, farmName: 'two', eventBus: new EventBus(stack, 'Bus') });
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::StepFunctions::StateMachine', 2);
  template.resourceCountIs('AWS::Lambda::Function', 10);
  for (const name of ['one', 'two'])
    template.hasResourceProperties('AWS::SSM::Parameter', { Name: `/helios-infra/${name}/farm` });
});

test('the function that records failures knows the log of each other one', () => {
  const { template, stack, farm } = synthFarm({ assets });
  const { Environment } = propertiesOf({ template, stack }, farm.functions.failure.function.functionName);
  const told = JSON.stringify(
    (Environment as { Variables: Record<string, unknown> }).Variables.HELIOS_LOG_GROUPS,
  );
  for (const [name, { logGroup }] of eachFunction(farm))
    expect([name, told.includes(JSON.stringify(stack.resolve(logGroup.logGroupName)))]).toEqual([
      name,
      name !== 'failure',
    ]);
});
