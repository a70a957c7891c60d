import { describe, expect, test } from 'vitest';
import { type MapRunOptions, runMap } from '../../../bench/simulate/map-run.ts';
import { retries } from '../../../cdk/retries.ts';

const times = { start: 2000, segment: 500, frame: 100 };
const segments = [10, 40, 20, 5, 30];
const work = segments.map((frames) => times.segment + frames * times.frame);
const sum = work.reduce((total, ms) => total + ms, 0);
const run = (options: Partial<MapRunOptions>) =>
  runMap({ segments, times, slots: segments.length, warm: segments.length, ...options });
const many = (count: number) => Array.from({ length: count }, () => 10);

describe('slots', () => {
  test('one slot takes the sum of all work', () => {
    expect(run({ slots: 1 })).toMatchObject({ wallMs: sum, billedMs: sum, peak: 1, invocations: 5 });
  });

  test('a slot for each takes as long as the longest', () => {
    expect(run({})).toMatchObject({ wallMs: Math.max(...work), billedMs: sum, peak: 5 });
  });

  test('two slots take turns', () => {
    // One does 1500, 2500 and 1000, and is done after 5000; the other 4500 and 3500.
    expect(run({ slots: 2 }).wallMs).toBe(4500 + 3500);
  });

  test('a child holds its slot while Step Functions is busy with it, and is not billed', () => {
    const held = run({ slots: 1, childOverhead: 300 });
    expect(held).toMatchObject({ wallMs: sum + 5 * 300, billedMs: sum });
  });
});

describe('environments', () => {
  test('each slot starts one, and keeps it', () => {
    const cold = run({ slots: 2, warm: 0 });
    expect(cold).toMatchObject({ coldStarts: 2, billedMs: sum + 2 * times.start });
    expect(run({ slots: 2, warm: 1 }).coldStarts).toBe(1);
  });

  test('come no faster than Lambda makes them', () => {
    const scaling = { burst: 100, perSecond: 10 };
    const long = { start: 0, segment: 0, frame: 10_000 };
    const scaled = runMap({ segments: many(400), times: long, slots: 400, scaling });

    expect(scaled.coldStarts).toBe(400);
    expect(scaled.throttles).toBeGreaterThanOrEqual(300);
    // The last 300 need half a minute, and a retry's pause is a minute at the most.
    expect(scaled.wallMs).toBeGreaterThanOrEqual(100_000 + 30_000);
    expect(scaled.wallMs).toBeLessThanOrEqual(100_000 + 30_000 + 60_000);
  });

  test("are never more than the account's quota", () => {
    const bound = runMap({ segments: many(200), times, slots: 40, quota: () => 10 });
    expect(bound).toMatchObject({ peak: 10, succeeded: true });
    expect(bound.throttles).toBeGreaterThan(0);
    expect(bound.wallMs).toBeGreaterThanOrEqual((200 * 1500) / 10);
  });
});

test('children start no faster than the service starts them', () => {
  const childStarts = { burst: 100, perSecond: 50 };
  const { wallMs } = runMap({ segments: many(200), times, slots: 200, warm: 200, childStarts });
  expect(wallMs).toBeCloseTo((100 / 50) * 1000 + 1500, 5);
});

describe('crashes', () => {
  const crashing = (failureRate: number, seed = 1) =>
    runMap({ segments: many(2000), times, slots: 100, warm: 100, failureRate, seed });

  test('cost another invocation, a new environment and time', () => {
    const [whole, some] = [crashing(0), crashing(0.02)];
    expect(some.succeeded).toBe(true);
    expect(some.crashes).toBeGreaterThan(20);
    expect(some.crashes).toBeLessThan(70);
    expect(some.invocations).toBe(2000 + some.crashes);
    expect(some.coldStarts).toBeGreaterThan(0);
    expect(some.coldStarts).toBeLessThanOrEqual(some.crashes);
    expect(some.billedMs).toBeGreaterThan(whole.billedMs);
    expect(some.wallMs).toBeGreaterThan(whole.wallMs);
  });

  test('fail the run when a segment uses up its retries', () => {
    const attempts = retries.find(({ ErrorEquals }) => ErrorEquals.includes('Runtime.ExitError'));
    expect(run({ failureRate: 1 })).toMatchObject({
      succeeded: false,
      mostAttempts: 1 + (attempts?.MaxAttempts ?? Number.NaN),
    });
  });

  test('come out the same for the same seed', () => {
    expect(crashing(0.05, 7)).toEqual(crashing(0.05, 7));
    expect(crashing(0.05, 7)).not.toEqual(crashing(0.05, 8));
  });
});
