import {
  AccessDeniedError,
  CredentialsError,
  HeliosError,
  NotFoundError,
  StorageError,
  StoreAddressError,
} from '../utils/errors.ts';

const permissions = {
  read: 's3:GetObject',
  /** To be told whether there is an object. */
  tell: 's3:ListBucket',
  write: 's3:PutObject',
  list: 's3:ListBucket',
  delete: 's3:DeleteObject',
} as const;

/** What was asked of a bucket. */
export interface S3Request {
  readonly action: keyof typeof permissions;
  readonly bucket: string;
  /** The whole key, or the prefix of a list. */
  readonly key: string;
  /** When it was asked, in the milliseconds of `performance.now()`. */
  readonly since: number;
}

/** The fields of the SDK's errors that tell what happened. */
interface SdkError extends Error {
  readonly $metadata?: {
    readonly httpStatusCode?: number;
    readonly attempts?: number;
    readonly requestId?: string;
  };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  readonly Region?: string;
}

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const DENIED = new Set(['AccessDenied', 'AllAccessDisabled', 'AccountProblem', 'InvalidObjectState']);
const ELSEWHERE = new Set(['PermanentRedirect', 'IllegalLocationConstraintException']);
const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
  'AuthorizationHeaderMalformed',
]);

/** The HTTP status of an error of the SDK; `undefined` when there was no answer. */
export function s3Status(error: unknown): number | undefined {
  return (error as SdkError | undefined)?.$metadata?.httpStatusCode;
}

/** How often a request was sent that ended in this error. */
export function s3Attempts(error: unknown): number {
  return (error as SdkError | undefined)?.$metadata?.attempts ?? 1;
}

function regionOf(error: SdkError): string | undefined {
  return error.Region ?? error.$response?.headers?.['x-amz-bucket-region'];
}

/** An error of the SDK as one that a user can act on. */
export function toStoreError(error: unknown, request: S3Request): HeliosError {
  if (error instanceof HeliosError) return error;
  const { action, bucket, key, since } = request;
  const sdkError = error as SdkError;
  const { name } = sdkError;
  const status = s3Status(error);
  const attempts = s3Attempts(error);
  const seconds = Math.round((performance.now() - since) / 100) / 10;
  const url = `s3://${bucket}/${key}`;
  const details = { bucket, key, code: name, status, attempts, seconds };
  const region = regionOf(sdkError);
  if (name === 'NoSuchBucket') {
    return new StoreAddressError(
      `There is no bucket ${bucket}. Check HELIOS_STORE, the region and the account.`,
      {
        cause: error,
        details,
      },
    );
  }
  if (
    ELSEWHERE.has(name) ||
    status === 301 ||
    (region !== undefined && name === 'AuthorizationHeaderMalformed')
  ) {
    return new StoreAddressError(
      `The bucket ${bucket} lies in ${region ?? 'another region'}. Set AWS_REGION${region ? `=${region}` : ' to it'}.`,
      { cause: error, details: { ...details, region } },
    );
  }
  if (MISSING.has(name)) return new NotFoundError(`The store has no ${url}.`, { cause: error, details });
  if (CREDENTIALS.has(name)) {
    return new CredentialsError(
      `AWS takes no request with these credentials (${name}): ${sdkError.message} Log in again, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
      { cause: error, details },
    );
  }
  if (DENIED.has(name) || status === 403) {
    const permission = permissions[action];
    const what =
      action === 'tell'
        ? `S3 does not tell whether there is ${url}: ${permission} on the bucket ${bucket} is missing, and perhaps ${permissions.read}. Allow them, the first with no condition that asks for a prefix,`
        : `S3 refuses ${permission} on ${url}. Allow it`;
    return new AccessDeniedError(
      `${what} in the policy of the role or user; a bucket with a KMS key needs kms:GenerateDataKey and kms:Decrypt as well.`,
      { cause: error, details: { ...details, permission } },
    );
  }
  const answer = status === undefined ? 'S3 did not answer' : `S3 answered ${status} ${name}`;
  return new StorageError(
    `${answer} to ${permissions[action]} on ${url} (${attempts} attempts, ${seconds} s): ${sdkError.message}`,
    { cause: error, details },
  );
}
