import { S3Store } from '../../src/storage/s3-store.ts';
import { TestS3 } from '../helpers/test-s3.ts';
import { describeObjectStore } from './object-store-contract.ts';

for (const url of ['s3://whole-bucket', 's3://shared/below/a prefix']) {
  describeObjectStore(`S3Store(${url})`, async () => {
    const s3 = await TestS3.open('whole-bucket', 'shared');
    s3.pageSize = 50;
    return { store: new S3Store(url), [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() };
  });
}
