import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { segmentTarget } from '../../src/orchestrator/segment-target.ts';

const LONGEST = availableParallelism() > 4 ? 8_000 : Number.POSITIVE_INFINITY;

test.each([
  // A minute of video at 60 ms a frame.
  { workMs: 108_000, remoteWorkers: 1_000, targetMs: 10_000 },
  { workMs: 108_000, remoteWorkers: 7, targetMs: 108_000 / 7 },
  { workMs: 108_000, remoteWorkers: 3, targetMs: 20_000 },
  { workMs: 108_000, remoteWorkers: undefined, targetMs: 40_000 },
  // More than an inline map takes.
  { workMs: 200_001, remoteWorkers: 1_000, targetMs: 20_000 },
])('$workMs ms of work for $remoteWorkers workers', ({ workMs, remoteWorkers, targetMs }) => {
  expect(segmentTarget(workMs, remoteWorkers)).toBe(Math.min(LONGEST, targetMs));
});
