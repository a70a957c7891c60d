import { rm } from 'node:fs/promises';
import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RenderFarm } from '../../cdk/index.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { eachFunction, type Synthesized, synthFarm } from './synth-farm.ts';
import { testApp } from './test-app.ts';

let assets: PlaceholderAssets;
let plain: Synthesized;
beforeAll(async () => {
  assets = await placeholderAssets();
  plain = synthFarm({ assets });
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

test('alarms for failed renders, errors, throttles and segments near the timeout', () => {
  const alarms = Object.values(plain.template.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties: { MetricName, Statistic, Threshold, EvaluationPeriods, TreatMissingData } }) =>
      `${MetricName} ${Statistic} ≥ ${Threshold} × ${EvaluationPeriods} ${TreatMissingData}`,
  );
  expect(alarms.toSorted()).toEqual([
    'Errors Sum ≥ 1 × 1 notBreaching',
    'Errors Sum ≥ 10 × 1 notBreaching',
    'ExecutionsFailed Sum ≥ 1 × 1 notBreaching',
    'ExecutionsTimedOut Sum ≥ 1 × 1 notBreaching',
    'Throttles Sum ≥ 1 × 3 notBreaching',
    'TimeUsed Maximum ≥ 80 × 1 notBreaching',
  ]);
});

test('a segment near its timeout is known by what its function told of it', () => {
  plain.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'HeliosInfra',
    MetricName: 'TimeUsed',
    Dimensions: [
      { Name: 'farm', Value: 'default' },
      { Name: 'service', Value: 'render' },
    ],
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  });
});

test('a topic hears of alarms and of renders that failed or timed out', () => {
  const { template, farm, stack } = synthFarm((scope) => ({
    assets,
    notifications: new Topic(scope, 'Topic'),
  }));
  const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
  template.allResourcesProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: [{ Ref: topic }],
    OKActions: [{ Ref: topic }],
  });
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.states'],
      detail: {
        stateMachineArn: [stack.resolve(farm.stateMachine.stateMachineArn)],
        status: ['FAILED', 'TIMED_OUT'],
      },
    },
    Targets: [Match.objectLike({ Arn: { Ref: topic } })],
  });
  plain.template.resourceCountIs('AWS::Events::Rule', 0);
});

test('the alarms of the account, and no others, may publish to a topic of the app', () => {
  const { template, stack } = synthFarm((scope) => ({ assets, notifications: new Topic(scope, 'Topic') }));
  const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
  template.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: 'sns:Publish',
          Resource: { Ref: topic },
          Condition: {
            StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
            ArnLike: {
              'aws:SourceArn': stack.resolve(
                `arn:${stack.partition}:cloudwatch:${stack.region}:${stack.account}:alarm:*`,
              ),
            },
          },
        }),
        Match.objectLike({ Principal: { Service: 'events.amazonaws.com' }, Action: 'sns:Publish' }),
      ]),
    },
  });
});

test('a topic of another stack, with a key of its own', () => {
  const app = testApp();
  const theirs = new Stack(app, 'Theirs');
  const topic = new Topic(theirs, 'Topic', { masterKey: new Key(theirs, 'Key') });
  new RenderFarm(new Stack(app, 'Ours'), 'Farm', { assets, notifications: topic });
  const template = Template.fromStack(theirs);
  template.resourceCountIs('AWS::SNS::TopicPolicy', 1);
  template.hasResourceProperties('AWS::KMS::Key', {
    KeyPolicy: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Principal: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'] },
          Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        }),
      ]),
    },
  });
});

test('a dashboard shows the alarms, the renders and every function', () => {
  const { template, stack } = plain;
  const [Properties = {}] = Object.values(template.findResources('AWS::CloudWatch::Dashboard')).map(
    (dashboard) => dashboard.Properties,
  );
  const [, parts] = Properties.DashboardBody['Fn::Join'] as [string, unknown[]];
  const body = parts.map((part) => (typeof part === 'string' ? part : 'token')).join('');
  const { widgets } = JSON.parse(body) as { widgets: { type: string; properties: { title: string } }[] };
  expect(widgets.map(({ properties }) => properties.title)).toEqual([
    'Farm default',
    'Renders',
    'Time of a render',
    'Segments at work',
    'Time of a segment',
    'Frames',
    'Time of a frame',
    'Errors',
    'Throttles',
    'Longest invocation',
  ]);
  expect(body).toContain('["HeliosInfra","FrameTime","farm","default","service","render"');
  for (const [, { function: fn }] of eachFunction(plain.farm))
    expect(parts).toContainEqual(stack.resolve(fn.functionName));
});
