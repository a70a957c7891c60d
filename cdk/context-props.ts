import path from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct, Node } from 'constructs';
import { z } from 'zod';
import { ValidationError } from '../src/utils/errors.ts';
import { type FunctionName, type FunctionSize, functionNames } from './function-sizes.ts';
import type { RenderFarmProps } from './render-farm-props.ts';

const number = z.coerce.number().optional();
const text = z.string().min(1).optional();

const contextSchema = z.object({
  /** Name of the farm. */
  farm: z.string().default('default'),
  maxParallel: number,
  reservedConcurrency: number,
  timeoutHours: number,
  logRetentionDays: number,
  /** An existing bucket's name. */
  bucket: text,
  prefix: text,
  /** Of the key itself: a role's policy can't name an alias. */
  kmsKeyArn: z
    .string()
    .regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a key, not of an alias')
    .optional(),
  accessLogsBucket: text,
  /** `false` makes a bucket of the farm's own go with the stack. */
  keepBucket: z.enum(['true', 'false']).optional(),
  segmentDays: number,
  compositionDays: number,
  /** An SNS topic for alarms and failed renders. */
  topicArn: text,
  vpcId: text,
  /** Folder with `functions/` and `layers/`. */
  assets: text,
  /** Such as `{"render": {"memory": 4096}}`, as JSON. */
  sizes: z
    .string()
    .transform((json, context) => {
      try {
        return JSON.parse(json) as unknown;
      } catch {
        context.issues.push({ code: 'custom', message: 'must be JSON', input: json });
        return z.NEVER;
      }
    })
    .pipe(
      z.partialRecord(
        z.enum(functionNames as [FunctionName, ...FunctionName[]]),
        z.strictObject({ memory: number, timeout: number, ephemeralStorage: number }),
      ),
    )
    .optional(),
});

/** Values of `cdk deploy -c <name>=<value>`. */
export type FarmContext = z.output<typeof contextSchema>;

/** @throws ValidationError when a value is not what its name asks for */
export function readContext(node: Node): FarmContext {
  const given = Object.keys(contextSchema.shape).map((name) => [name, asText(node.tryGetContext(name))]);
  const parsed = contextSchema.safeParse(
    Object.fromEntries(given.filter(([, value]) => value !== undefined)),
  );
  if (!parsed.success) throw ValidationError.fromZod('CDK context', parsed.error);
  return parsed.data;
}

/** `-c` gives text; a cdk.json may hold the value itself. */
function asText(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  return JSON.stringify(value);
}

/** The props of the farm; what is named by its address is looked up in `scope`. */
export function farmProps(scope: Construct, context: FarmContext): RenderFarmProps {
  const { farm, maxParallel, reservedConcurrency, prefix, segmentDays, compositionDays, assets } = context;
  const { bucket, kmsKeyArn, accessLogsBucket, keepBucket, topicArn, vpcId } = context;
  const lifecycle = {
    ...(segmentDays === undefined ? {} : { segments: segmentDays }),
    ...(compositionDays === undefined
      ? {}
      : { blobs: compositionDays, bundles: compositionDays, probes: compositionDays }),
  };
  const folder = assets && path.resolve(assets);
  return defined({
    farmName: farm,
    maxParallel,
    reservedConcurrency,
    prefix,
    timeout: context.timeoutHours && Duration.hours(context.timeoutHours),
    logRetention: context.logRetentionDays as RetentionDays | undefined,
    sizes: context.sizes as Partial<Record<FunctionName, Partial<FunctionSize>>> | undefined,
    bucket: bucket && Bucket.fromBucketName(scope, 'Bucket', bucket),
    encryptionKey: kmsKeyArn && Key.fromKeyArn(scope, 'Key', kmsKeyArn),
    accessLogsBucket: accessLogsBucket && Bucket.fromBucketName(scope, 'AccessLogs', accessLogsBucket),
    removalPolicy: keepBucket === 'false' ? RemovalPolicy.DESTROY : undefined,
    lifecycle: Object.keys(lifecycle).length > 0 ? lifecycle : undefined,
    notifications: topicArn && Topic.fromTopicArn(scope, 'Notifications', topicArn),
    network: vpcId && { vpc: Vpc.fromLookup(scope, 'Network', { vpcId }) },
    assets: folder && { functions: path.join(folder, 'functions'), layers: path.join(folder, 'layers') },
  }) as RenderFarmProps;
}

function defined(props: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined && value !== ''));
}
