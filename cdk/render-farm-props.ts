import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { AssetFolders } from './asset-folders.ts';
import type { FarmLifecycle } from './farm-bucket.ts';
import type { FarmNetwork } from './farm-function.ts';
import type { FunctionName, FunctionSize } from './function-sizes.ts';

export interface RenderFarmProps {
  /**
   * Name by which the CLI finds the farm in its account and region: 1–32 of a–z, 0–9 and `-`, a letter first.
   * @default default
   */
  readonly farmName?: string;
  /**
   * Render functions that may be at work at the same time, 1–10000. The account's quota bounds it further
   * when a render is planned.
   * @default 1000
   */
  readonly maxParallel?: number;
  /**
   * Concurrency that is set aside for the render function, and bounds it; at least 1.
   * @default none: it shares what the account has
   */
  readonly reservedConcurrency?: number;
  /** Memory, timeout and /tmp by function; what is not given stays. @default defaultSizes */
  readonly sizes?: Partial<Record<FunctionName, Partial<FunctionSize>>>;
  /** A render's whole time, all waiting included; 1 minute to 1 year. @default Duration.hours(12) */
  readonly timeout?: Duration;

  /**
   * A bucket that exists. Its policy, encryption and lifecycle stay the owner's.
   * @default a bucket of the farm's own
   */
  readonly bucket?: IBucket;
  /** Where in the bucket the farm's keys begin, such as `video/farm`. @default the bucket's root */
  readonly prefix?: string;
  /** Key that the bucket is, or will be, encrypted with. @default keys that S3 manages */
  readonly encryptionKey?: IKey;
  /** Days that intermediates stay in the farm's own bucket. @default 30 for segments, 90 for compositions */
  readonly lifecycle?: FarmLifecycle;
  /** Takes the access logs of the farm's own bucket. @default no access logs */
  readonly accessLogsBucket?: IBucket;
  /**
   * Of the farm's own bucket when the stack goes. With DESTROY, `helios-infra destroy` empties it before.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /** A network for all functions. @default none: functions reach the web directly */
  readonly network?: FarmNetwork;
  /**
   * Told of alarms and of renders that failed. The policy of an imported one must let CloudWatch and EventBridge publish.
   * @default nobody
   */
  readonly notifications?: ITopic;
  /** Gets `Render Started`, `Render Succeeded` and `Render Failed`. @default the account's default bus */
  readonly eventBus?: IEventBus;
  /** @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /** More tags for all resources, beside `helios-infra:farm`. @default none */
  readonly tags?: Readonly<Record<string, string>>;
  /** Built code and layers. @default those of this package */
  readonly assets?: AssetFolders;
}
