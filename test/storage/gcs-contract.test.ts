import { GcsStore } from '../../src/storage/gcs-store.ts';
import { TestGcs } from '../helpers/test-gcs.ts';
import { describeObjectStore } from './object-store-contract.ts';

for (const url of ['gs://whole-bucket', 'gs://shared/below/a prefix']) {
  describeObjectStore(`GcsStore(${url})`, async () => {
    const gcs = await TestGcs.open('whole-bucket', 'shared');
    gcs.pageSize = 50;
    return { store: new GcsStore(url), [Symbol.asyncDispose]: () => gcs[Symbol.asyncDispose]() };
  });
}
