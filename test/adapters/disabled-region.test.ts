import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findFarm } from '../../src/adapters/farm.ts';
import { AwsEndpoint, awsError } from '../helpers/aws-endpoint.ts';

let ssm: AwsEndpoint;
let enabled: readonly string[];

/** An SSM that takes the credentials in some regions only; the region stands in what a request is signed for. */
beforeEach(async () => {
  ssm = await AwsEndpoint.open('SSM', async ({ headers }) => {
    const [, region = ''] = /Credential=[^/]+\/\d+\/([\w-]+)\//.exec(headers.authorization ?? '') ?? [];
    return awsError(400, enabled.includes(region) ? 'ParameterNotFound' : 'UnrecognizedClientException');
  });
  vi.stubEnv('AWS_REGION', 'af-south-1');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await ssm[Symbol.asyncDispose]();
});

test('a region that the account has not enabled is told as such', async () => {
  enabled = ['us-east-1'];
  await expect(findFarm()).rejects.toMatchObject({
    name: 'RegionDisabledError',
    message: expect.stringMatching(/^af-south-1 .* not enabled in this account.*set AWS_REGION/),
    details: { region: 'af-south-1' },
  });
});

test('bad credentials are told as bad credentials', async () => {
  enabled = [];
  await expect(findFarm()).rejects.toMatchObject({ name: 'CredentialsError' });
});

test('a region that is enabled', async () => {
  enabled = ['us-east-1', 'af-south-1'];
  await expect(findFarm()).rejects.toMatchObject({ name: 'FarmNotFoundError' });
});
