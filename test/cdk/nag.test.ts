import { rm } from 'node:fs/promises';
import { type App, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RenderFarm, type RenderFarmProps } from '../../cdk/index.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { testApp } from './test-app.ts';

let assets: PlaceholderAssets;
beforeAll(async () => {
  assets = await placeholderAssets();
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

/** What cdk-nag finds in farms; what others' parts of the app are is not asked. */
function findings(make: (stack: Stack, app: App) => RenderFarmProps): string[] {
  const app = testApp();
  const stack = new Stack(app, 'Test');
  new RenderFarm(stack, 'Farm', { assets, ...make(stack, app) });
  app.synth();
  const { violations = [] } = new AwsSolutionsChecks(app).validateScope(stack.node.findChild('Farm'));
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  );
}

test('the AWS Solutions rules find nothing', () => {
  expect(findings(() => ({}))).toEqual([]);
});

test('nor with a key, a network, a topic, a prefix and access logs', () => {
  const made = findings((stack) => ({
    prefix: 'video',
    encryptionKey: new Key(stack, 'Key'),
    network: { vpc: new Vpc(stack, 'Vpc') },
    notifications: new Topic(stack, 'Topic'),
    accessLogsBucket: new Bucket(stack, 'Logs'),
  }));
  expect(made).toEqual([]);
});

test('nor with a bucket of another stack', () => {
  expect(findings((_, app) => ({ bucket: new Bucket(new Stack(app, 'Data'), 'Theirs') }))).toEqual([]);
});

test('a wildcard that nobody gave a reason for is found', () => {
  const app = testApp();
  const stack = new Stack(app, 'Test');
  const farm = new RenderFarm(stack, 'Farm', { assets });
  farm.bucket.grantDelete(farm.functions.render.role);
  app.synth();
  const { violations = [] } = new AwsSolutionsChecks(app).validateScope(stack);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual([
    'AwsSolutions-IAM5[Action::s3:DeleteObject*]',
    expect.stringMatching(/^AwsSolutions-IAM5\[Resource::<Farm\w+\.Arn>\/\*\]$/),
  ]);
});
