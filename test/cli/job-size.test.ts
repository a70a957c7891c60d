import { expect, test } from 'vitest';
import { jobSizeValues } from '../../src/cli/job-size.ts';

test.each([
  [{}, ['2', '8Gi', '5Gi']],
  [{ memory: 16 }, ['4', '16Gi', '13Gi']],
  [{ memory: 32 }, ['8', '32Gi', '29Gi']],
  [{ memory: 4, cpu: 1, temp: 2 }, ['1', '4Gi', '2Gi']],
  [{ cpu: 8, temp: 6 }, ['8', '8Gi', '6Gi']],
])('%j is a size', (size, [JOB_CPU, JOB_MEMORY, JOB_TEMP]) => {
  expect(jobSizeValues(size)).toEqual({ JOB_CPU, JOB_MEMORY, JOB_TEMP });
});

test.each([
  [{ memory: 3 }, /memory: /],
  [{ memory: 33 }, /memory: /],
  [{ memory: 7.5 }, /memory: /],
  [{ cpu: 3 }, /cpu: must be 1, 2, 4, 6 or 8/],
  [{ cpu: 2, memory: 9 }, /memory: 2 cores have 8 GiB at the most/],
  [{ temp: 7 }, /temp: must leave 2 GiB of the memory \(8 GiB\)/],
  [{ temp: 0 }, /temp: /],
])('%j is none', (size, told) => {
  expect(() => jobSizeValues(size)).toThrow(told);
  expect(() => jobSizeValues(size)).toThrow(expect.objectContaining({ name: 'ValidationError' }));
});
