import { describe, expect, test } from 'vitest';
import { limits } from '../../../bench/simulate/constants.ts';
import { historyOf } from '../../../bench/simulate/history.ts';
import { type Scenario, simulateRender } from '../../../bench/simulate/render.ts';

const hour: Scenario = {
  look: 'canvas',
  frames: 108_000,
  fps: 30,
  parallel: 1000,
  cold: true,
  targetSegmentSeconds: 20,
  failureRate: 0,
  seed: 1,
};

describe('an hour', () => {
  test.each([10, 100, 1000, 3000])('at %d functions stays within every limit', (parallel) => {
    const simulated = simulateRender({ ...hour, parallel });
    expect(simulated.problems).toEqual([]);
    expect(simulated.parentEvents).toBeLessThan(limits.historyEvents);
    expect(simulated.run.peak).toBeLessThanOrEqual(parallel);
  });

  test('with no slot to spare takes at least its work divided by them', () => {
    const { run, seconds } = simulateRender({ ...hour, parallel: 10 });
    expect(seconds.render * 1000).toBeGreaterThan(run.billedMs / 10);
    expect(seconds.render * 1000).toBeLessThan((run.billedMs / 10) * 1.2);
  });

  test('costs more when environments start cold, and when they crash', () => {
    const warm = simulateRender({ ...hour, cold: false });
    const cold = simulateRender(hour);
    const crashing = simulateRender({ ...hour, failureRate: 0.05 });
    expect(cold.usd).toBeGreaterThan(warm.usd);
    expect(crashing.usd).toBeGreaterThan(cold.usd);
    expect(crashing.childEvents).toBeGreaterThan(cold.childEvents);
  });
});

test('what does not fit is said', () => {
  expect(simulateRender({ ...hour, frames: 5 * 108_000 }).problems).toContain('audio runs out of time');
  const unplanned = { weightOf: () => 4, cutEvenly: true };
  const long = simulateRender({ ...hour, ...unplanned, look: 'WebGL', targetSegmentSeconds: 2000 });
  expect(long.problems).toContain('render runs out of time');
});

describe('history', () => {
  test("of the parent does not grow with a distributed map's segments", () => {
    const of = (segments: number) => historyOf({ segments, retries: 0, mostAttempts: 1 });
    expect(of(41).parentEvents).toBe(of(6750).parentEvents);
    expect(of(6750).childEvents).toBe(7);
    expect(of(40)).toMatchObject({ childEvents: 0, parentEvents: of(39).parentEvents + 7 });
  });

  test('grows with retries: in the parent inline, else in the child', () => {
    const inline = (retries: number) => historyOf({ segments: 40, retries, mostAttempts: 1 + retries });
    expect(inline(4).parentEvents - inline(0).parentEvents).toBe(12);
    const children = historyOf({ segments: 41, retries: 4, mostAttempts: 5 });
    expect(children.childEvents).toBe(7 + 12);
  });
});
