import { expect, test } from 'vitest';
import { explainQuota } from '../../src/cli/gcp-quota.ts';
import { DeployError } from '../../src/utils/errors.ts';

const failed = (output: string) => new DeployError('gcloud run services failed', { details: { output } });

test.each([
  [
    'spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]: Max instances must be set to 10 or fewer to set the requested total CPU.\n\nQuota violated:\nCpuAllocPerProjectRegion requested: 200000 allowed: 20000',
    'Deploy with --max-parallel 10,',
  ],
  [
    'limits.cpu: Invalid value specified for cpu. For the specified value, maxScale may not exceed 10.',
    'Deploy with --max-parallel 10,',
  ],
  [
    'Max instances must be set to 0 or fewer to set the requested total CPU.',
    'with a smaller --max-parallel,',
  ],
  ["RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'CPU allocation'", 'with a smaller --max-parallel,'],
])('says the remedy for %j', (output, remedy) => {
  expect(explainQuota(failed(output))).toMatchObject({
    name: 'DeployError',
    message: expect.stringContaining(remedy),
    details: { output },
  });
});

test('leaves other errors as they are', () => {
  for (const error of [failed('no such image'), new Error('Quota violated')])
    expect(explainQuota(error)).toBe(error);
});
