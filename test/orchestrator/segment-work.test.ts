import { expect, test } from 'vitest';
import { estimateWork, segmentWorkMs } from '../../src/orchestrator/segment-work.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';

const measured = { msPerFrame: 100, msPerStep: 10 };
const segment = (range: [number, number], seekMode: 'seek' | 'replay', everyNthFrame = 1): FrameJob =>
  ({ range, encoding: { everyNthFrame }, page: { seekMode } }) as FrameJob;

test.each([
  ['a seek goes to its frames at once', segment([50, 60], 'seek'), 10 * 100],
  ['a replay steps to its first frame', segment([50, 60], 'replay'), 10 * 100 + 50 * 10],
  ['and through the frames that are not shown', segment([50, 60], 'replay', 5), 2 * 100 + 58 * 10],
] as const)('%s', (_, job, ms) => {
  expect(segmentWorkMs(job, measured)).toBe(ms);
});

test('a replay takes no less than its last segment, however many are at work', () => {
  const jobs = [segment([0, 10], 'replay'), segment([10, 20], 'replay'), segment([20, 30], 'replay')];
  const works = [1_000, 1_100, 1_200];
  expect(estimateWork(jobs, measured, 2)).toEqual({
    ...measured,
    workMs: 3_300,
    longestMs: 1_200,
    wallMs: 3_300 / 2,
  });
  expect(estimateWork(jobs, measured, 100).wallMs).toBe(Math.max(...works));
  expect(estimateWork([], measured, 2)).toMatchObject({ workMs: 0, longestMs: 0, wallMs: 0 });
});
