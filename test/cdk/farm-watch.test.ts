import { rm } from 'node:fs/promises';
import { Match } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { eachFunction, type Synthesized, synthFarm } from './synth-farm.ts';

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
    'Duration Maximum ≥ 720000 × 1 notBreaching',
    'Errors Sum ≥ 1 × 1 notBreaching',
    'Errors Sum ≥ 10 × 1 notBreaching',
    'ExecutionsFailed Sum ≥ 1 × 1 notBreaching',
    'ExecutionsTimedOut Sum ≥ 1 × 1 notBreaching',
    'Throttles Sum ≥ 1 × 3 notBreaching',
  ]);
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
