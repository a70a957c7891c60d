import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GcsStore } from '../../src/storage/gcs-store.ts';
import { CALLER, TestIdentity } from '../helpers/test-identity.ts';

let folder: string;
let identity: TestIdentity;
let before: NodeJS.ProcessEnv;
beforeEach(async () => {
  before = { ...process.env };
  delete process.env.STORAGE_EMULATOR_HOST;
  folder = await mkdtemp(path.join(tmpdir(), 'helios-signing-'));
  identity = await TestIdentity.open();
  Object.assign(process.env, identity.env, {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: `${identity.url}/`,
    HOME: folder,
  });
});
afterEach(async () => {
  process.env = before;
  await identity[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function useCredentials(credentials: object): Promise<void> {
  process.env.GOOGLE_APPLICATION_CREDENTIALS = path.join(folder, 'credentials.json');
  await writeFile(process.env.GOOGLE_APPLICATION_CREDENTIALS, JSON.stringify(credentials));
}

test("a service account's key signs an address by itself", async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await useCredentials({
    type: 'service_account',
    project_id: 'project',
    client_email: CALLER,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
  const url = new URL(await new GcsStore('gs://films/below').presign('renders/a b/output.mp4', 600));
  expect(url.origin + url.pathname).toBe(
    'https://storage.googleapis.com/films/below/renders/a%20b/output.mp4',
  );
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    'X-Goog-Algorithm': 'GOOG4-RSA-SHA256',
    'X-Goog-Credential': expect.stringMatching(`^${CALLER}/\\d{8}/auto/storage/goog4_request$`),
    'X-Goog-Expires': '600',
    'X-Goog-SignedHeaders': 'host',
    'X-Goog-Signature': expect.stringMatching(/^[0-9a-f]{512}$/),
  });
  expect(identity.signed).toEqual([]);
});

test('IAM signs it for an account without a key', async () => {
  const url = new URL(await new GcsStore('gs://films').presign('key', 60));
  expect(url.searchParams.get('X-Goog-Signature')).toBe(Buffer.from('signed').toString('hex'));
  expect(identity.signed).toEqual([`/v1/projects/-/serviceAccounts/${CALLER}:signBlob`]);
});

test.each([
  [403, 'AccessDeniedError', false, /iam\.serviceAccounts\.signBlob.*roles\/iam\.serviceAccountTokenCreator/],
  [400, 'CredentialsError', false, /can't sign/],
  [503, 'StorageError', true, /not signed/],
])(
  'a %i of IAM is a %s',
  async (status, name, retryable, message) => {
    identity.faults = (asked) => (asked.endsWith(':signBlob') ? status : undefined);
    await expect(new GcsStore('gs://films').presign('key', 60)).rejects.toMatchObject({
      name,
      retryable,
      message: expect.stringMatching(message),
      details: { permission: 'iam.serviceAccounts.signBlob', status },
    });
  },
  60_000,
);

test("a person's login can't sign", async () => {
  await useCredentials({ type: 'authorized_user', client_id: 'x', client_secret: 'x', refresh_token: 'x' });
  await expect(new GcsStore('gs://films').presign('key', 60)).rejects.toMatchObject({
    name: 'CredentialsError',
    message: expect.stringContaining('--impersonate-service-account'),
  });
});

test.each([0, 604_801, Number.NaN])('an address does not hold for %f s', async (seconds) => {
  await expect(new GcsStore('gs://films').presign('key', seconds)).rejects.toMatchObject({
    name: 'ValidationError',
  });
});

test('a metadata server that fails for now is no lack of credentials', async () => {
  identity.faults = (asked) => (asked.endsWith('/token') ? 503 : undefined);
  await expect(new GcsStore('gs://films').head('key')).rejects.toMatchObject({
    name: 'StorageError',
    retryable: true,
  });
  identity.faults = (asked) => (asked.endsWith('/token') ? 404 : undefined);
  await expect(new GcsStore('gs://films').head('key')).rejects.toMatchObject({ name: 'CredentialsError' });
}, 60_000);
