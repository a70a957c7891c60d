import { rm } from 'node:fs/promises';
import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RenderFarm, type RenderFarmProps } from '../../cdk/index.ts';
import { KitError, ValidationError } from '../../src/utils/errors.ts';
import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { synthFarm } from './synth-farm.ts';

let assets: PlaceholderAssets;
beforeAll(async () => {
  assets = await placeholderAssets();
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

const refusal = (props: RenderFarmProps | ((stack: Stack) => RenderFarmProps)) => {
  try {
    synthFarm((stack) => ({ assets, ...(typeof props === 'function' ? props(stack) : props) }));
  } catch (error) {
    return error as ValidationError;
  }
  throw new Error('The farm was made.');
};

test('all at once, by their names', () => {
  const error = refusal({
    farmName: 'My farm',
    maxParallel: 0,
    reservedConcurrency: 1.5,
    prefix: '../up',
    sizes: { render: { memory: 64 }, stitch: { ephemeralStorage: 20_000 } },
    lifecycle: { segments: 0 },
    logRetention: 31 as RetentionDays,
    timeout: Duration.seconds(5),
  });
  expect(error).toBeInstanceOf(ValidationError);
  expect((error.details.issues as { path: string }[]).map(({ path }) => path)).toEqual([
    'farmName',
    'maxParallel',
    'reservedConcurrency',
    'prefix',
    'sizes.render.memory',
    'sizes.stitch.ephemeralStorage',
    'lifecycle.segments',
    'logRetention',
    'timeout',
  ]);
  expect(error.message).toContain('sizes.render.memory must be a whole number from 128 to 10240, and is 64');
});

test('what only a bucket of its own can have', () => {
  const error = refusal((stack) => ({
    bucket: Bucket.fromBucketName(stack, 'Theirs', 'their-bucket'),
    lifecycle: { segments: 3 },
    removalPolicy: RemovalPolicy.DESTROY,
  }));
  expect(error.details.issues).toMatchObject([{ path: 'lifecycle' }, { path: 'removalPolicy' }]);
});

test('a name that another farm of the stack has', () => {
  const error = refusal((stack) => {
    new RenderFarm(stack, 'First', { assets });
    return {};
  });
  expect(error.message).toContain('Test/First and Test/Farm');
});

test('functions or layers that are not built', () => {
  const error = refusal({ assets: { functions: assets.functions, layers: '/nowhere' } });
  expect(error).toBeInstanceOf(KitError);
  expect(error.message).toContain('npm run build && npm run layers');
});
