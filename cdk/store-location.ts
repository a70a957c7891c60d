import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { KeyAccess } from './farm-keys.ts';

/** The farm's store: a bucket, or a prefix in one. */
export class StoreLocation {
  readonly bucket: IBucket;
  /** Empty, or a path that ends with a slash. */
  readonly prefix: string;
  readonly encryptionKey: IKey | undefined;

  constructor(bucket: IBucket, prefix: string, encryptionKey: IKey | undefined) {
    this.bucket = bucket;
    this.prefix = prefix;
    this.encryptionKey = encryptionKey;
  }

  /** The prefix without its slash. */
  get folder(): string {
    return this.prefix.replace(/\/$/, '');
  }

  /** As `HELIOS_STORE` takes it. */
  get url(): string {
    return `s3://${this.bucket.bucketName}${this.folder && `/${this.folder}`}`;
  }

  arns(keys: readonly string[]): string[] {
    return keys.map((key) => this.bucket.arnForObjects(`${this.prefix}${key}`));
  }

  /**
   * S3 answers 404 for an object that is not there only to who may list the bucket, and 403 to others. It asks with
   * the request for the object, which has no `s3:prefix`: a condition that wants one would never be met.
   */
  statements({ read, readBack = [], write }: KeyAccess): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        sid: 'Read',
        actions: ['s3:GetObject'],
        resources: this.arns([...read, ...readBack]),
      }),
      new iam.PolicyStatement({
        sid: 'TellMissing',
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
        conditions: { StringLikeIfExists: { 's3:prefix': read.map((key) => `${this.prefix}${key}`) } },
      }),
      new iam.PolicyStatement({
        sid: 'Write',
        actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
        resources: this.arns(write),
      }),
      ...this.encryptionStatements(),
    ];
  }

  encryptionStatements(): iam.PolicyStatement[] {
    if (!this.encryptionKey) return [];
    const { region, urlSuffix } = Stack.of(this.bucket);
    return [
      new iam.PolicyStatement({
        sid: 'Encryption',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [this.encryptionKey.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `s3.${region}.${urlSuffix}` } },
      }),
    ];
  }
}
