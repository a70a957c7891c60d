import {
  AccessDeniedError,
  CloudServiceError,
  CredentialsError,
  HeliosError,
  RegionError,
  ThrottledError,
} from '../utils/errors.ts';

/** What was asked of AWS. */
export interface AwsRequest {
  /** As IAM names it, such as `states:StartExecution`. */
  readonly permission: string;
  /** What it was asked of. */
  readonly resource: string;
  /** The client's region. */
  readonly region: () => Promise<string>;
}

interface SdkError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

const CREDENTIALS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'TokenProviderError',
  'TokenRefreshRequired',
  'UnrecognizedClientException',
]);
const THROTTLED = new Set([
  'EC2ThrottledException',
  'LimitExceededException',
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/** An error of the SDK as one that a user can act on. */
export function toCloudError(
  error: unknown,
  { permission, resource }: AwsRequest,
  region: string,
): HeliosError {
  if (error instanceof HeliosError) return error;
  const { name, message, code, $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  const details = { permission, resource, region, code: code ?? name, status };
  const options = { cause: error, details };
  if (CREDENTIALS.has(name)) {
    return new CredentialsError(
      `AWS takes no request with these credentials (${name}): ${message.replace(/\.?$/, '.')} Log in again, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
      options,
    );
  }
  if (THROTTLED.has(name) || status === 429)
    return new ThrottledError(`AWS takes no more requests of ${permission} for now (${name}).`, options);
  if (/^AccessDenied/.test(name) || status === 403) {
    return new AccessDeniedError(
      `AWS refuses ${permission} on ${resource} in ${region}. Allow it in the policy of the role or user.`,
      options,
    );
  }
  if (code === 'ENOTFOUND') {
    return new RegionError(
      `There is no AWS service at the region ${region}. Set AWS_REGION to one there is, such as us-east-1.`,
      options,
    );
  }
  const answer = status === undefined ? 'AWS did not answer' : `AWS answered ${status} ${name}`;
  const text = `${answer} to ${permission} on ${resource} in ${region}: ${message}`;
  if (status !== undefined && status < 500) return new HeliosError(text, options);
  return new CloudServiceError(text, options);
}

/** Sends a request, its errors typed. @throws RegionError, CredentialsError, AccessDeniedError, ThrottledError, CloudServiceError */
export async function askAws<T>(request: AwsRequest, work: () => Promise<T>): Promise<T> {
  const region = await regionOf(request.region);
  try {
    return await work();
  } catch (error) {
    throw toCloudError(error, request, region);
  }
}

/** @throws RegionError when none is set */
export async function regionOf(region: () => Promise<string>): Promise<string> {
  return region().catch((cause: unknown) => {
    throw new RegionError(
      'It is not known in which region to look. Set AWS_REGION, or a region in the AWS profile.',
      { cause },
    );
  });
}
