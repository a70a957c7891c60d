import { CloudRunAdapter } from '../../src/adapters/cloud-run-adapter.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { idToken, TestIdentity } from '../helpers/test-identity.ts';
import { TestImage } from '../helpers/test-image.ts';
import { describeAdapter } from './adapter-contract.ts';

describeAdapter('CloudRunAdapter', async () => {
  const gcs = await TestGcs.open('films');
  const identity = await TestIdentity.open();
  const image = await TestImage.open();
  const audience = 'https://service.example';
  const { url } = await image.serve({
    HELIOS_STORE: 'gs://films',
    HELIOS_CONCURRENCY: '2',
    HELIOS_AUDIENCE: audience,
    HELIOS_CERTIFICATES_URL: identity.certificatesUrl,
    STORAGE_EMULATOR_HOST: gcs.endpoint,
  });
  const adapter = new CloudRunAdapter({
    url,
    concurrency: 2,
    backoffMs: 20,
    idToken: async () => idToken(audience),
  });
  return {
    adapter,
    store: openStore('gs://films'),
    [Symbol.asyncDispose]: async () => {
      adapter[Symbol.dispose]();
      for (const part of [image, identity, gcs]) await part[Symbol.asyncDispose]();
    },
  };
});
