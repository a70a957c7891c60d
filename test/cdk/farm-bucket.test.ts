import { rm } from 'node:fs/promises';
import { RemovalPolicy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type PlaceholderAssets, placeholderAssets } from './placeholder-assets.ts';
import { eachFunction, propertiesOf, type Synthesized, synthFarm } from './synth-farm.ts';

let assets: PlaceholderAssets;
let plain: Synthesized;
beforeAll(async () => {
  assets = await placeholderAssets();
  plain = synthFarm({ assets });
});
afterAll(() => rm(assets.folder, { recursive: true, force: true }));

test('is private, encrypted, kept, and answers TLS only', () => {
  const { template } = plain;
  template.hasResource('AWS::S3::Bucket', {
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    },
  });
  template.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: 's3:*',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
        Match.objectLike({ Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
      ]),
    },
  });
});

test('forgets intermediates, and never what lies below renders/', () => {
  const properties = propertiesOf(plain, plain.farm.bucket.bucketName);
  const { Rules } = properties.LifecycleConfiguration as { Rules: Record<string, unknown>[] };
  expect(Rules.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays])).toEqual([
    [undefined, undefined],
    ['segments/', 30],
    ['blobs/', 90],
    ['bundles/', 90],
    ['probes/', 90],
    ['map-runs/', 7],
  ]);
  expect(Rules[0]).toMatchObject({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } });
});

test('takes a key, other days, a place for access logs, a prefix, and an end with its stack', () => {
  const made = synthFarm((stack) => ({
    assets,
    prefix: 'video/farm/',
    encryptionKey: new Key(stack, 'Key'),
    lifecycle: { segments: 3 },
    accessLogsBucket: new Bucket(stack, 'Logs'),
    removalPolicy: RemovalPolicy.DESTROY,
  }));
  const properties = propertiesOf(made, made.farm.bucket.bucketName);
  expect(properties).toMatchObject({
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
      ],
    },
    LoggingConfiguration: { LogFilePrefix: 'helios-infra/' },
    LifecycleConfiguration: {
      Rules: expect.arrayContaining([
        expect.objectContaining({ Prefix: 'video/farm/segments/', ExpirationInDays: 3 }),
        expect.objectContaining({ Prefix: 'video/farm/blobs/', ExpirationInDays: 90 }),
      ]),
    },
  });
  const { Ref: id } = made.stack.resolve(made.farm.bucket.bucketName);
  expect(made.template.toJSON().Resources[id].DeletionPolicy).toBe('Delete');
});

test('may be one that exists', () => {
  const { template, farm, stack } = synthFarm((scope) => ({
    assets,
    bucket: Bucket.fromBucketName(scope, 'Theirs', 'their-bucket'),
    prefix: 'helios',
  }));
  template.resourceCountIs('AWS::S3::Bucket', 0);
  for (const [, { function: fn }] of eachFunction(farm)) {
    const { Environment } = propertiesOf({ template, stack }, fn.functionName);
    expect(Environment).toMatchObject({ Variables: { HELIOS_STORE: 's3://their-bucket/helios' } });
  }
});
