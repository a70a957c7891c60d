import { expect, test } from 'vitest';
import { costOf, prices } from '../../src/orchestrator/cost.ts';
import { estimateCost } from '../../src/orchestrator/estimate.ts';
import { defaultSizes } from '../../src/types/function-sizes.ts';
import type { Plan } from '../../src/types/plan.ts';

const plan = (segments: number, frames = segments * 100) =>
  ({
    frames,
    maxParallel: segments,
    composition: { fps: 30 },
    encoding: { everyNthFrame: 1 },
    frameJobs: Array.from({ length: segments }),
    segmentsFound: 0,
    audioTracks: [],
    estimate: { msPerFrame: 50, workMs: frames * 50, wallMs: 0 },
  }) as unknown as Plan;

test('a GB of memory for 1000 s, with its request, by hand', () => {
  const sizes = { ...defaultSizes, render: { memory: 1024, timeout: 900, ephemeralStorage: 512 } };
  const use = { functions: { render: { count: 1, ms: 1_000_000 } }, transitions: 0, puts: 0, gets: 0 };
  expect(costOf(use, sizes).total).toBeCloseTo(0.0166667 + 0.0000002, 9);
  const disk = { ...sizes, render: { ...sizes.render, ephemeralStorage: 512 + 1024 } };
  expect(costOf(use, disk).total - costOf(use, sizes).total).toBeCloseTo(0.0000309, 9);
});

test('transitions and requests are counted by their price', () => {
  const cost = costOf({ functions: {}, transitions: 4000, puts: 1000, gets: 10_000 }, defaultSizes);
  expect(cost.stateMachine).toBeCloseTo(0.1, 9);
  expect(cost.storage).toBeCloseTo(0.005 + 0.004, 9);
  expect(cost.total).toBeCloseTo(0.109, 9);
  expect(prices.date).toMatch(/^\d{4}-\d{2}$/);
});

test('more functions at a time take less time for somewhat more money', () => {
  const few = estimateCost(plan(200), defaultSizes, 10);
  const many = estimateCost(plan(200), defaultSizes, 200);
  expect(few).toMatchObject({ segments: 200, parallel: 10 });
  expect(few.seconds / many.seconds).toBeGreaterThan(3);
  expect(many.cost.total).toBeGreaterThan(few.cost.total);
  expect(many.cost.total).toBeLessThan(few.cost.total * 2);
});

test('a slower function costs in proportion of its work', () => {
  const assume = { coldStartMs: 0, perSegmentMs: 0 };
  const same = estimateCost(plan(10), defaultSizes, 10, assume);
  const slow = estimateCost(plan(10), defaultSizes, 10, { ...assume, slowdown: 3 });
  const requests = 10 * prices.lambdaRequest;
  expect(slow.cost.functions.render - requests).toBeCloseTo(3 * (same.cost.functions.render - requests), 9);
});
