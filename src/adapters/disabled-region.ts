import { CredentialsError, RegionDisabledError } from '../utils/errors.ts';

/** What a region says of good credentials when the account has not enabled it, and of bad ones. */
const UNKNOWN = new Set(['InvalidClientTokenId', 'UnrecognizedClientException']);
/** Enabled in every account. */
const ALWAYS_ENABLED = 'us-east-1';

/** @returns RegionDisabledError in place of a CredentialsError, when a region that is always enabled takes the credentials */
export async function tellDisabledRegion(error: unknown, region: string): Promise<unknown> {
  if (!(error instanceof CredentialsError) || !UNKNOWN.has(String(error.details.code))) return error;
  if (region === ALWAYS_ENABLED || !(await takesCredentials(ALWAYS_ENABLED))) return error;
  return new RegionDisabledError(
    `${region} does not know these credentials, and ${ALWAYS_ENABLED} does: the region is not enabled in this account. Enable it in the account's settings (AWS Regions), or set AWS_REGION to another one. If it is enabled, log in with a token of that region's STS.`,
    { cause: error, details: { ...error.details, region } },
  );
}

async function takesCredentials(region: string): Promise<boolean> {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({ region, maxAttempts: 1 });
  try {
    await client.send(new GetParameterCommand({ Name: '/helios-infra' }), {
      abortSignal: AbortSignal.timeout(5000),
    });
    return true;
  } catch (error) {
    return ['AccessDeniedException', 'ParameterNotFound'].includes((error as Error).name);
  } finally {
    client.destroy();
  }
}
