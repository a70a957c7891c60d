import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { mapRunsPrefix } from './farm-keys.ts';

/** Days after which intermediates expire; outputs and all else below `renders/` stay. */
export interface FarmLifecycle {
  /** Rendered segments: a later render of the same frames finds them. @default 30 */
  readonly segments?: number;
  /** Files of compositions. @default 90 */
  readonly blobs?: number;
  /** Manifests of compositions. @default 90 */
  readonly bundles?: number;
  /** What planning measured of a composition. @default 90 */
  readonly probes?: number;
}

export interface FarmBucketProps {
  /** Below which the farm's keys begin: empty, or a path that ends with a slash. */
  readonly prefix: string;
  readonly lifecycle?: FarmLifecycle | undefined;
  /** @default encryption with keys that S3 manages */
  readonly encryptionKey?: IKey | undefined;
  /** @default no access logs */
  readonly accessLogsBucket?: s3.IBucket | undefined;
  /** @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy | undefined;
}

/** The farm's own bucket: private, TLS only, encrypted, and empty of intermediates by itself. */
export class FarmBucket extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, props: FarmBucketProps) {
    super(scope, id);
    const { prefix, lifecycle = {}, encryptionKey, accessLogsBucket } = props;
    const { segments = 30, blobs = 90, bundles = 90, probes = 90 } = lifecycle;
    const days = { segments, blobs, bundles, probes, [mapRunsPrefix]: 7 };
    this.bucket = new s3.Bucket(this, 'Bucket', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      encryption: encryptionKey ? s3.BucketEncryption.KMS : s3.BucketEncryption.S3_MANAGED,
      ...(encryptionKey ? { encryptionKey, bucketKeyEnabled: true } : {}),
      ...(accessLogsBucket
        ? { serverAccessLogsBucket: accessLogsBucket, serverAccessLogsPrefix: 'helios-infra/' }
        : {}),
      lifecycleRules: [
        { id: 'abort-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...Object.entries(days).map(([name, expiry]) => ({
          id: `expire-${name}`,
          prefix: `${prefix}${name}/`,
          expiration: Duration.days(expiry),
        })),
      ],
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
    if (!accessLogsBucket) {
      acknowledge(
        this.bucket,
        'S1',
        'Only the farm’s roles read the bucket; the prop accessLogsBucket turns server access logs on.',
      );
    }
  }
}
