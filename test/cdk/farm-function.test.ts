import { rm } from 'node:fs/promises';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultSizes } from '../../cdk/index.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { eachFunction, propertiesOf, type Synthesized, synthFarm } from './synth-farm.ts';

let assets: PlaceholderAssets;
let plain: Synthesized;
beforeAll(async () => {
  assets = await placeholderAssets();
  plain = synthFarm({ assets });
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

test('run Node 24 on x86_64 with their sizes, traces, logs and environment', () => {
  for (const [name, { function: fn, logGroup }] of eachFunction(plain.farm)) {
    const size = defaultSizes[name];
    expect(propertiesOf(plain, fn.functionName)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['x86_64'],
      Handler: 'index.handler',
      MemorySize: size.memory,
      Timeout: size.timeout,
      EphemeralStorage: { Size: size.ephemeralStorage },
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogGroup: plain.stack.resolve(logGroup.logGroupName) },
      Environment: {
        Variables: {
          HELIOS_STORE: { 'Fn::Join': ['', ['s3://', plain.stack.resolve(plain.farm.bucket.bucketName)]] },
          HELIOS_KIT: '/opt/helios',
          HELIOS_FARM: 'default',
          ...(name === 'plan' ? { HELIOS_MAX_PARALLEL: '1000' } : {}),
          ...(name === 'stitch' ? { NODE_OPTIONS: '--max-semi-space-size=8' } : {}),
        },
      },
    });
  }
});

test('have the layers that they need, and no more', () => {
  const { chromium, fonts, ffmpeg } = plain.farm.layers;
  const layers = Object.fromEntries(
    eachFunction(plain.farm).map(([name, { function: fn }]) => [
      name,
      propertiesOf(plain, fn.functionName).Layers,
    ]),
  );
  const arns = (...of: { layerVersionArn: string }[]) =>
    plain.stack.resolve(of.map((l) => l.layerVersionArn));
  expect(layers).toEqual({
    plan: arns(chromium, fonts, ffmpeg),
    render: arns(chromium, fonts, ffmpeg),
    audio: arns(ffmpeg),
    stitch: arns(ffmpeg),
    failure: undefined,
  });
});

test('forget their logs', () => {
  plain.template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  plain.template.resourceCountIs('AWS::Logs::LogGroup', 6);
  const { template } = synthFarm({ assets, logRetention: RetentionDays.THREE_DAYS });
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 3 });
});

test('take sizes, reserved concurrency that bounds the plan, and a network', () => {
  const made = synthFarm((stack) => {
    const vpc = new Vpc(stack, 'Vpc');
    return {
      assets,
      sizes: { render: { memory: 4096 } },
      maxParallel: 500,
      reservedConcurrency: 200,
      network: { vpc, securityGroups: [new SecurityGroup(stack, 'Group', { vpc })] },
    };
  });
  const { render, plan } = made.farm.functions;
  expect(propertiesOf(made, render.function.functionName)).toMatchObject({
    MemorySize: 4096,
    Timeout: 900,
    ReservedConcurrentExecutions: 200,
  });
  expect(propertiesOf(made, plan.function.functionName)).toMatchObject({
    Environment: { Variables: { HELIOS_MAX_PARALLEL: '200' } },
  });
  for (const [, { function: fn }] of eachFunction(made.farm)) {
    expect(propertiesOf(made, fn.functionName)).toMatchObject({
      VpcConfig: {
        SecurityGroupIds: [expect.anything()],
        SubnetIds: [expect.anything(), expect.anything()],
      },
    });
  }
});
