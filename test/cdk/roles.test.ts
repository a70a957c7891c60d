import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeyAccess } from '../../cdk/farm-keys.ts';
import type { FunctionName } from '../../cdk/function-sizes.ts';
import { RenderFarm } from '../../cdk/index.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import {
  eachFunction,
  keysOf,
  propertiesOf,
  type Statement,
  type Synthesized,
  statementsOf,
  synthFarm,
} from './synth-farm.ts';
import { testApp } from './test-app.ts';

let assets: PlaceholderAssets;
let plain: Synthesized;
beforeAll(async () => {
  assets = await placeholderAssets();
  plain = synthFarm({ assets });
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

const access: Readonly<Record<FunctionName, KeyAccess>> = {
  plan: {
    read: ['blobs/*', 'bundles/*', 'probes/*', 'segments/*'],
    write: [
      'blobs/*',
      'probes/*',
      'renders/*/job.json',
      'renders/*/plan.json',
      'renders/*/segments.json',
      'renders/*/progress/plan.error.json',
    ],
  },
  render: {
    read: ['blobs/*', 'bundles/*', 'renders/*/plan.json', 'renders/*/progress/*', 'segments/*'],
    write: ['segments/*', 'renders/*/progress/*'],
  },
  audio: {
    read: ['blobs/*', 'renders/*/plan.json'],
    write: ['renders/*/audio.*', 'renders/*/progress/audio.error.json'],
  },
  stitch: {
    read: [
      'renders/*/job.json',
      'renders/*/plan.json',
      'renders/*/audio.*',
      'renders/*/progress/*',
      'segments/*',
    ],
    readBack: ['renders/*/output.*'],
    write: [
      'renders/*/output.*',
      'renders/*/output/*',
      'renders/*/result.json',
      'renders/*/progress/stitch.error.json',
      'segments/*.json',
    ],
  },
  failure: {
    read: ['renders/*/error.json', 'renders/*/progress/*.error.json'],
    write: ['renders/*/error.json'],
  },
};
const tracing = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

test('each function reads, writes and lists its own keys, and does nothing else', () => {
  const { stack, farm } = plain;
  const bucketArn = stack.resolve(farm.bucket.bucketArn);
  for (const [name, { role, logGroup }] of eachFunction(farm)) {
    const { read, readBack = [], write } = access[name];
    const { Read, Write, ...others } = statementsOf(plain, role.roleName);
    expect([Read?.Action, keysOf(Read)]).toEqual(['s3:GetObject', [...read, ...readBack]]);
    expect([Write?.Action, keysOf(Write)]).toEqual([['s3:PutObject', 's3:AbortMultipartUpload'], [...write]]);
    expect(others).toMatchObject({
      TellMissing: {
        Action: 's3:ListBucket',
        Resource: bucketArn,
        Condition: { StringLikeIfExists: { 's3:prefix': read } },
      },
      Logs: {
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: stack.resolve(logGroup.logGroupArn),
      },
      'by CDK': { Action: tracing, Resource: '*' },
    });
    expect(Object.keys(others).toSorted()).toEqual(
      ['Logs', ...(name === 'plan' ? ['ReadQuota'] : []), 'TellMissing', 'by CDK'].toSorted(),
    );
  }
  expect(statementsOf(plain, farm.functions.plan.role.roleName).ReadQuota).toMatchObject({
    Action: 'lambda:GetAccountSettings',
    Resource: '*',
  });
});

/** Whether IAM grants a statement to a request with this `s3:prefix`, or with none. */
function listGranted({ Condition = {} }: Statement, prefix: string | undefined): boolean {
  return Object.entries(Condition).every(([operator, { 's3:prefix': patterns }]) => {
    if (prefix === undefined) return operator.endsWith('IfExists');
    return (patterns as string[]).some((pattern) => path.matchesGlob(prefix, pattern.replace('*', '**')));
  });
}

test('S3 may tell each function what is not there: the request for an object has no prefix', () => {
  for (const [name, { role }] of eachFunction(plain.farm)) {
    const { TellMissing } = statementsOf(plain, role.roleName);
    if (!TellMissing) throw new Error(`${name} may not list`);
    expect(listGranted(TellMissing, undefined)).toBe(true);
    expect(listGranted(TellMissing, 'renders/others/output.mp4')).toBe(false);
  }
});

test('the state machine invokes the five functions, starts its own children, reads the items and writes map runs', () => {
  const { stack, farm } = plain;
  const statements = statementsOf(plain, farm.machine.role.roleName);
  expect(statements.Invoke?.Resource).toEqual(
    eachFunction(farm).map(([, { function: fn }]) => stack.resolve(fn.functionArn)),
  );
  expect(keysOf(statements.ReadItems)).toEqual(['renders/*/segments.json']);
  expect(keysOf(statements.WriteMapRuns)).toEqual(['map-runs/*']);
  expect(statements.Announce).toMatchObject({ Action: 'events:PutEvents' });
  expect(statements.StartChildren).toMatchObject({
    Action: 'states:StartExecution',
    Resource: stack.resolve(farm.stateMachine.stateMachineArn),
  });
  expect(statements.FollowChildren).toMatchObject({
    Action: ['states:DescribeExecution', 'states:StopExecution'],
    Resource: [':*', '/Segments:*'].map((names) =>
      stack.resolve(
        `arn:${stack.partition}:states:${stack.region}:${stack.account}:execution:${farm.stateMachine.stateMachineName}${names}`,
      ),
    ),
  });
  expect(Object.keys(statements).toSorted()).toEqual([
    'Announce',
    'FollowChildren',
    'Invoke',
    'ReadItems',
    'StartChildren',
    'WriteMapRuns',
    'by CDK',
  ]);
});

test('a farm with a reservation does not ask for the account’s quota', () => {
  const made = synthFarm({ assets, reservedConcurrency: 40 });
  const { role, function: plan } = made.farm.functions.plan;
  expect(statementsOf(made, role.roleName)).not.toHaveProperty('ReadQuota');
  expect(propertiesOf(made, plan.functionName)).toMatchObject({
    Environment: { Variables: { HELIOS_RESERVED_CONCURRENCY: '40', HELIOS_MAX_PARALLEL: '40' } },
  });
});

test('no role takes a managed policy, nor an action by a wildcard', () => {
  plain.template.allResourcesProperties('AWS::IAM::Role', {});
  for (const { Properties } of Object.values(plain.template.findResources('AWS::IAM::Role')))
    expect(Properties.ManagedPolicyArns).toBeUndefined();
  for (const { Properties } of Object.values(plain.template.findResources('AWS::IAM::Policy')))
    for (const { Action } of Properties.PolicyDocument.Statement) expect(String(Action)).not.toContain('*');
});

test('keys stand below the prefix', () => {
  const made = synthFarm({ assets, prefix: 'video' });
  const { Read, Write, TellMissing } = statementsOf(made, made.farm.functions.failure.role.roleName);
  expect([keysOf(Read), keysOf(Write)]).toEqual([
    ['video/renders/*/error.json', 'video/renders/*/progress/*.error.json'],
    ['video/renders/*/error.json'],
  ]);
  expect(TellMissing?.Condition).toEqual({
    StringLikeIfExists: {
      's3:prefix': ['video/renders/*/error.json', 'video/renders/*/progress/*.error.json'],
    },
  });
});

test('a key is used through S3 only', () => {
  const keyArn = 'arn:aws:kms:us-east-1:123456789012:key/k';
  const made = synthFarm((stack) => ({ assets, encryptionKey: Key.fromKeyArn(stack, 'Key', keyArn) }));
  const roles = [...eachFunction(made.farm).map(([, { role }]) => role), made.farm.machine.role];
  for (const role of roles) {
    expect(statementsOf(made, role.roleName).Encryption).toMatchObject({
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: keyArn,
      Condition: { StringEquals: { 'kms:ViaService': expect.anything() } },
    });
  }
});

test('network interfaces are allowed only to functions in a network', () => {
  const made = synthFarm((stack) => ({ assets, network: { vpc: new Vpc(stack, 'Vpc') } }));
  for (const [name, { role }] of eachFunction(made.farm)) {
    expect(statementsOf(made, role.roleName).Network?.Action).toContain('ec2:CreateNetworkInterface');
    expect(statementsOf(plain, plain.farm.functions[name].role.roleName).Network).toBeUndefined();
  }
});

test('the farms of one stack share no role and no bucket', () => {
  const stack = new Stack(testApp(), 'Theirs');
  const one = new RenderFarm(stack, 'One', { assets, farmName: 'one' });
  const two = new RenderFarm(stack, 'Two', { assets, farmName: 'two' });
  const template = Template.fromStack(stack);
  const resources = (farm: RenderFarm) =>
    JSON.stringify(
      eachFunction(farm).map(([, { role }]) => statementsOf({ farm, stack, template }, role.roleName)),
    );
  const { Ref: ofTwo } = stack.resolve(two.bucket.bucketName);
  expect(resources(two)).toContain(ofTwo);
  expect(resources(one)).not.toContain(ofTwo);
});
