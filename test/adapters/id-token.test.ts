import { afterEach, beforeEach, expect, test } from 'vitest';
import { googleIdTokens } from '../../src/adapters/id-token.ts';
import { TestIdentity } from '../helpers/test-identity.ts';

let identity: TestIdentity;
let before: NodeJS.ProcessEnv;
beforeEach(async () => {
  before = { ...process.env };
  identity = await TestIdentity.open();
  Object.assign(process.env, identity.env);
});
afterEach(async () => {
  process.env = before;
  await identity[Symbol.asyncDispose]();
});

test('a metadata server that fails for now is asked again', async () => {
  const token = googleIdTokens('https://farm.example');
  identity.faults = (path) => (path.endsWith('/identity') ? 503 : undefined);
  await expect(token()).rejects.toMatchObject({
    name: 'CloudServiceError',
    retryable: true,
    details: { audience: 'https://farm.example' },
  });
  identity.faults = () => undefined;
  expect((await token()).split('.')).toHaveLength(3);
  expect(identity.audiences).toEqual(['https://farm.example']);
}, 60_000);

test('an account that gets no token is told what to do', async () => {
  identity.faults = (path) => (path.endsWith('/identity') ? 404 : undefined);
  await expect(googleIdTokens('https://farm.example')()).rejects.toMatchObject({
    name: 'CredentialsError',
    retryable: false,
    message: expect.stringContaining('--impersonate-service-account ACCOUNT'),
  });
});
