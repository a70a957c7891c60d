import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampleFrames } from '../../src/orchestrator/sample-frames.ts';
import { cutEvenly } from '../../src/orchestrator/segment-ranges.ts';
import { outputFrames } from '../../src/types/codecs.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import type { Plan } from '../../src/types/plan.ts';

function planOf(start: number, length: number, segments: number, everyNthFrame: number): Plan {
  const range = [start, start + length] as const;
  const encoding = { everyNthFrame } as Plan['encoding'];
  const frameJobs = cutEvenly([...range], segments, everyNthFrame).map((part) => ({ range: part }));
  return { frameJobs, encoding, frames: outputFrames(range, encoding) } as unknown as Plan;
}

test('every sample is a shown frame of its segment, and seams are among them', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 50 }),
      (start, length, segments, step, count) => {
        const plan = planOf(start, length, segments, step);
        const samples = sampleFrames(plan, count);
        const frames = samples.map(({ frame }) => frame);
        expect(frames).toEqual([...new Set(frames)].sort((a, b) => a - b));
        expect(frames).toHaveLength(Math.min(count, plan.frames));
        for (const { frame, segment, place } of samples) {
          const [from, to] = (plan.frameJobs[segment] as FrameJob).range;
          expect(frame).toBe(from + place * step);
          expect(frame).toBeLessThan(to);
        }
        const seams = plan.frameJobs.slice(1).map(({ range }) => range[0]);
        const half = Math.ceil(frames.length / 2);
        expect(seams.filter((seam) => frames.includes(seam)).length).toBeGreaterThanOrEqual(
          Math.min(seams.length, half),
        );
      },
    ),
  );
});

test('all seams of a short render, else half of the samples', () => {
  const few = sampleFrames(planOf(0, 300, 5, 1), 12).map(({ frame }) => frame);
  expect(few).toEqual(expect.arrayContaining([60, 120, 180, 240]));
  const many = sampleFrames(planOf(0, 3000, 300, 1), 12);
  expect(many.filter(({ place }) => place === 0).length).toBeGreaterThanOrEqual(6);
  expect(new Set(many.map(({ segment }) => segment)).size).toBe(12);
});
