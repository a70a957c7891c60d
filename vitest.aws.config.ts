import { defineConfig } from 'vitest/config';

/** `npm run test:aws`: a farm in an AWS account, or at the endpoint of AWS_ENDPOINT_URL. */
export default defineConfig({
  test: {
    include: ['test/aws/**/*.aws.ts'],
    environment: 'node',
    pool: 'forks',
    fileParallelism: false,
    sequence: { concurrent: false },
    bail: 1,
    testTimeout: 900_000,
    hookTimeout: 1_800_000,
  },
});
