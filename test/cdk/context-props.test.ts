import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readContext } from '../../cdk/context-props.ts';
import { FarmStack } from '../../cdk/farm-stack.ts';
import { ValidationError } from '../../src/utils/errors.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { testApp } from './test-app.ts';

let assets: PlaceholderAssets;
beforeAll(async () => {
  assets = await placeholderAssets();
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

function synth(context: Record<string, unknown>): Template {
  const app = testApp({ context: { assets: path.relative('.', assets.folder), ...context } });
  return Template.fromStack(new FarmStack(app, 'Farm', { context: readContext(app.node) }));
}

test('without context, the farm is the default one, and the stack says where it is', () => {
  const template = synth({});
  template.hasResourceProperties('AWS::SSM::Parameter', { Name: '/helios-infra/default/farm' });
  expect(Object.keys(template.findOutputs('*')).toSorted()).toEqual([
    'BucketName',
    'DashboardName',
    'KeepBucket',
    'ParameterName',
    'StateMachineArn',
    'StoreUrl',
  ]);
});

test('values of the command line become props', () => {
  const template = synth({
    farm: 'films',
    maxParallel: '300',
    reservedConcurrency: '400',
    logRetentionDays: '7',
    timeoutHours: '2',
    kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/k',
    segmentDays: '2',
    compositionDays: '4',
    keepBucket: 'false',
    topicArn: 'arn:aws:sns:us-east-1:123456789012:alarms',
    sizes: '{"render": {"memory": 2048}}',
  });
  template.hasResourceProperties('AWS::SSM::Parameter', { Name: '/helios-infra/films/farm' });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { HELIOS_MAX_PARALLEL: '300' } },
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    MemorySize: 2048,
    ReservedConcurrentExecutions: 400,
  });
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: ['arn:aws:sns:us-east-1:123456789012:alarms'],
  });
  template.hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Delete',
    Properties: {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Prefix: 'segments/', ExpirationInDays: 2 }),
          Match.objectLike({ Prefix: 'probes/', ExpirationInDays: 4 }),
        ]),
      },
    },
  });
  expect(JSON.stringify(template.findResources('AWS::StepFunctions::StateMachine'))).toContain(
    'TimeoutSeconds\\":7200',
  );
});

test('an existing bucket is used by its name', () => {
  const template = synth({ bucket: 'their-bucket', prefix: 'video' });
  template.resourceCountIs('AWS::S3::Bucket', 0);
  template.allResourcesProperties('AWS::Lambda::Function', {
    Environment: { Variables: Match.objectLike({ HELIOS_STORE: 's3://their-bucket/video' }) },
  });
});

test.each([
  [{ maxParallel: 'many' }, 'maxParallel'],
  [{ keepBucket: 'no' }, 'keepBucket'],
  [{ sizes: '{render: 1}' }, 'sizes'],
  [{ kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:alias/films' }, 'kmsKeyArn'],
  [{ sizes: '{"painter": {}}' }, 'painter'],
])('%o is refused by its name', (context, name) => {
  expect(() => synth(context)).toThrow(ValidationError);
  expect(() => synth(context)).toThrow(name);
});
