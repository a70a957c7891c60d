import type { Bucket, GetSignedUrlConfig } from '@google-cloud/storage';
import {
  AccessDeniedError,
  CredentialsError,
  type HeliosError,
  StorageError,
  ValidationError,
} from '../utils/errors.ts';
import { authStatus, isTransientAuthError } from '../utils/google-auth-errors.ts';

/** What Cloud Storage allows: a week. */
const MAX_SECONDS = 604_800;

/**
 * An address at which anybody reads an object. A service account's key signs it here; other credentials ask IAM to sign
 * it, for which the account needs `iam.serviceAccounts.signBlob` on itself. `CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS`
 * is another endpoint, as for gcloud.
 * @param seconds 1–604800
 * @throws ValidationError, AccessDeniedError, CredentialsError for a person's login, StorageError
 */
export async function signAddress(bucket: Bucket, key: string, seconds: number): Promise<string> {
  if (!(seconds >= 1 && seconds <= MAX_SECONDS)) {
    throw new ValidationError(
      `An address on Cloud Storage holds for 1 to ${MAX_SECONDS} seconds; given were ${seconds}.`,
      { details: { seconds } },
    );
  }
  const endpoint = process.env.CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS;
  const signingEndpoint = endpoint && new URL('v1/projects/-/serviceAccounts/', endpoint).href;
  const config: GetSignedUrlConfig = {
    version: 'v4',
    action: 'read',
    expires: Date.now() + seconds * 1000,
    ...(signingEndpoint ? { signingEndpoint } : {}),
  };
  try {
    const [url] = await bucket.file(key).getSignedUrl(config);
    return url;
  } catch {
    throw await whyNotSigned(bucket, `gs://${bucket.name}/${key}`, signingEndpoint);
  }
}

/** The client's own error has lost its status: what it did is done again. */
async function whyNotSigned(bucket: Bucket, url: string, endpoint?: string): Promise<HeliosError> {
  const { authClient } = bucket.storage;
  const permission = 'iam.serviceAccounts.signBlob';
  const details = { url, permission };
  try {
    await authClient.sign('', endpoint);
    return new StorageError(`The address of ${url} was not signed; try again.`, { details });
  } catch (cause) {
    const status = authStatus(cause);
    const options = { cause, details: { ...details, status } };
    if (status === 403) {
      return new AccessDeniedError(
        `Google Cloud refuses ${permission}, by which the address of ${url} is signed. Give the account roles/iam.serviceAccountTokenCreator on itself, or use a service account's key.`,
        options,
      );
    }
    if (isTransientAuthError(cause))
      return new StorageError(`The address of ${url} was not signed: ${(cause as Error).message}`, options);
    return new CredentialsError(
      `These credentials can't sign the address of ${url}: that takes a service account with ${permission}, or its key. Log in with: gcloud auth application-default login --impersonate-service-account ACCOUNT`,
      options,
    );
  }
}
