import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costCurve, cutByWork, segmentCount } from '../../src/orchestrator/cut-by-work.ts';

const even = () => 1;

describe('cutByWork', () => {
  test('covers each frame once, in as many parts as there are frames for, at shown frames', () => {
    const input = fc.record({
      start: fc.nat(5000),
      length: fc.integer({ min: 1, max: 700 }),
      count: fc.integer({ min: 1, max: 60 }),
      step: fc.integer({ min: 1, max: 7 }),
      costs: fc.array(fc.record({ frame: fc.nat(6000), ms: fc.integer({ min: 1, max: 900 }) }), {
        maxLength: 5,
      }),
    });
    fc.assert(
      fc.property(input, ({ start, length, count, step, costs }) => {
        const parts = cutByWork([start, start + length], count, step, costCurve(costs, 40));
        expect(parts).toHaveLength(Math.min(count, Math.ceil(length / step)));
        let at = start;
        for (const [from, to] of parts) {
          expect(from).toBe(at);
          expect((from - start) % step).toBe(0);
          expect(to).toBeGreaterThan(from);
          at = to;
        }
        expect(at).toBe(start + length);
      }),
    );
  });

  test('is even where frames cost the same', () => {
    expect(cutByWork([0, 300], 2, 1, even)).toEqual([
      [0, 150],
      [150, 300],
    ]);
    expect(cutByWork([0, 10], 3, 1, even)).toEqual([
      [0, 4],
      [4, 7],
      [7, 10],
    ]);
  });

  test('gives the costly end fewer frames, and each part about the same work', () => {
    const costOf = costCurve(
      [
        { frame: 0, ms: 10 },
        { frame: 299, ms: 200 },
      ],
      40,
    );
    const parts = cutByWork([0, 300], 4, 1, costOf);
    const works = parts.map(([from, to]) => {
      let work = 0;
      for (let frame = from; frame < to; frame++) work += costOf(frame);
      return work;
    });
    expect(Math.max(...works) / Math.min(...works)).toBeLessThan(1.05);
    expect(parts[0]?.[1]).toBeGreaterThan(130);
  });
});

test('costCurve takes measurements that are close to each other as one', () => {
  const curve = costCurve(
    [
      { frame: 0, ms: 10 },
      { frame: 50, ms: 14 },
    ],
    12,
  );
  expect([curve(0), curve(25), curve(80)]).toEqual([12, 12, 12]);
});

test('costCurve goes from one measurement to the next', () => {
  const curve = costCurve(
    [
      { frame: 60, ms: 40 },
      { frame: 10, ms: 10 },
      { frame: 20, ms: 20 },
    ],
    23,
  );
  expect([0, 10, 15, 20, 40, 60, 99].map(curve)).toEqual([10, 10, 15, 20, 30, 40, 40]);
});

test.each([
  ['keeps all workers busy', 30_000, 2, 2],
  ['goes on to another round above the target', 41_000, 2, 4],
  ['does not cut what is short', 3_000, 8, 1],
  ['cuts what is short into fewer parts than workers', 9_000, 8, 4],
  ['of one worker keeps the target', 61_000, 1, 4],
  ['of nothing is one', 0, 4, 1],
  ['is one where one encoder keeps the cores busy', 9_000, 2, 1, 5_500],
  ['is more where drawing takes most', 9_000, 2, 2, 3_000],
  ['keeps the target where cores are shared', 41_000, 2, 3, 40_000],
])('the number of segments %s', (_, workMs, workers, count, sharedMs = 0) => {
  expect(segmentCount(workMs, { workers, targetMs: 20_000, leastMs: 2_000, sharedMs })).toBe(count);
});
