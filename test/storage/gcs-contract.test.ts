import { GcsStore } from '../../src/storage/gcs-store.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { describeObjectStore } from './object-store-contract.ts';

describeObjectStore('GcsStore', async () => {
  const gcs = await TestGcs.open('shared');
  gcs.pageSize = 50;
  const store = new GcsStore('gs://shared/below/a prefix');
  return { store, [Symbol.asyncDispose]: () => gcs[Symbol.asyncDispose]() };
});
