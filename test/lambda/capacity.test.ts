import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { capacity } from '../../lambda/capacity.ts';
import { type AwsAnswer, AwsEndpoint, awsError } from '../helpers/aws-endpoint.ts';

let requests = 0;
let answer: () => AwsAnswer | undefined;
let lambda: AwsEndpoint;

beforeEach(async () => {
  requests = 0;
  lambda = await AwsEndpoint.open('LAMBDA', async () => {
    requests++;
    return answer();
  });
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
});
afterEach(async () => {
  await lambda[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

const quota = (ConcurrentExecutions: number, UnreservedConcurrentExecutions: number) => () => ({
  body: { AccountLimit: { ConcurrentExecutions, UnreservedConcurrentExecutions } },
});

test('what the account leaves, less what the other functions need', async () => {
  answer = quota(1000, 400);
  expect(await capacity()).toEqual({ segments: 397 });
  vi.stubEnv('HELIOS_MAX_PARALLEL', '50');
  expect(await capacity()).toEqual({ segments: 50 });
  answer = quota(10, 10);
  expect(await capacity()).toEqual({ segments: 7 });
});

test('a reservation is the bound, however little the account leaves', async () => {
  answer = quota(1000, 10);
  vi.stubEnv('HELIOS_MAX_PARALLEL', '200');
  vi.stubEnv('HELIOS_RESERVED_CONCURRENCY', '200');
  expect(await capacity()).toEqual({ segments: 200 });
  expect(requests).toBe(0);
});

test('a Lambda that does not answer is not waited for: a small bound, and a warning', async () => {
  answer = () => undefined;
  const since = performance.now();
  const { segments, warning } = await capacity();
  expect(performance.now() - since).toBeLessThan(5000);
  expect(segments).toBe(10);
  expect(warning).toMatch(
    /quota could not be read \(no answer in 3 s\).*at most 10 segments.*reservedConcurrency/,
  );
});

test('a quota that may not be read', async () => {
  answer = () => awsError(403, 'AccessDeniedException');
  vi.stubEnv('HELIOS_MAX_PARALLEL', '4');
  expect(await capacity()).toEqual({
    segments: 4,
    warning: expect.stringContaining('AccessDeniedException'),
  });
});
