import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { frameMs, simulateRender } from '../../bench/simulate/render.ts';
import { useSoFar } from '../../src/adapters/farm-progress.ts';
import { costOf, prices, useByTimings } from '../../src/orchestrator/cost.ts';
import { estimateCost } from '../../src/orchestrator/estimate.ts';
import { defaultSizes, functionNames } from '../../src/types/function-sizes.ts';
import type { Plan } from '../../src/types/plan.ts';

const plan = (segments: number, frames = segments * 100) =>
  ({
    frames,
    maxParallel: segments,
    composition: { fps: 30, width: 1920, height: 1080 },
    encoding: { everyNthFrame: 1, scale: 1, codec: 'h264' },
    frameJobs: Array.from({ length: segments }),
    segmentsFound: 0,
    audioTracks: [],
    estimate: { msPerFrame: 50, msPerStep: 20, workMs: frames * 50, longestMs: 0, wallMs: 0 },
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

test('the longest segment bounds the time', () => {
  const even = plan(10);
  const uneven = { ...even, estimate: { ...even.estimate, longestMs: 60_000 } };
  const seconds = (of: Plan) => estimateCost(of, defaultSizes, 10).seconds;
  expect(seconds(uneven) - seconds(even)).toBeCloseTo(60 - 5, 6);
});

test('a slower function costs in proportion of its work', () => {
  const assume = { coldStart: 0, segment: 0, megabyte: 0 };
  const same = estimateCost(plan(10), defaultSizes, 10, assume);
  const slow = estimateCost(plan(10), defaultSizes, 10, { ...assume, slowdown: 3 });
  const requests = 10 * prices.lambdaRequest;
  expect(slow.cost.functions.render - requests).toBeCloseTo(3 * (same.cost.functions.render - requests), 9);
});

test('a whole render has as many transitions as its history tells', () => {
  const calls = Object.fromEntries(functionNames.map((name) => [name, { count: 1, ms: 1000 }])) as never;
  const timings = { plan: 1000, render: 1000, audio: 1000, stitch: 1000 };
  const inline = { started: 3, succeeded: 3, failed: 0 };
  const summary = { phase: 'stitch', planMs: 1000, inline, retried: 2, transitions: 13, calls } as const;
  const finished = Array.from({ length: 3 }, (_, index) => ({
    index,
    frames: 9,
    cached: false,
    ms: 1,
    attempt: 0,
  }));
  const told = useSoFar({ status: 'running', summary, finished });
  expect(useByTimings(timings, 3, 5).transitions).toBe(told.transitions);

  const many = Array.from({ length: 50 }, (_, index) => ({
    index,
    frames: 9,
    cached: false,
    ms: 20,
    attempt: 0,
  }));
  const distributed = {
    ...summary,
    inline: { started: 0, succeeded: 0, failed: 0 },
    retried: 0,
    transitions: 10,
  };
  const mapped = useSoFar({
    status: 'running',
    summary: { ...distributed, mapRunArn: 'map' },
    finished: many,
  });
  const { functions, ...rest } = useByTimings(timings, 50, 50);
  expect(mapped).toMatchObject(rest);
  expect(mapped.functions.render).toEqual(functions.render);
});

test('the estimate and the simulation of an hour agree', () => {
  const fps = 30;
  const segments = 211;
  const estimated = (parallel: number) =>
    estimateCost(
      {
        ...plan(segments, 108_000),
        audioTracks: [{}],
        estimate: {
          msPerFrame: frameMs('canvas'),
          msPerStep: 0,
          workMs: 108_000 * frameMs('canvas'),
          longestMs: 0,
          wallMs: 0,
        },
      } as unknown as Plan,
      defaultSizes,
      parallel,
    );
  for (const parallel of [10, 100, 1000]) {
    const hour = {
      look: 'canvas',
      frames: 108_000,
      fps,
      parallel,
      cold: true,
      targetSegmentSeconds: 20,
    } as const;
    const simulated = simulateRender({ ...hour, failureRate: 0, seed: 1 });
    const { cost, seconds } = estimated(parallel);
    expect(simulated.segments).toBe(segments);
    expect(cost.total / simulated.usd).toBeCloseTo(1, 1);
    expect(seconds / simulated.wallSeconds).toBeCloseTo(1, 1);
  }
});

test('the documentation has the prices of the table', async () => {
  const text = await readFile('docs/operate.md', 'utf8');
  const rows = [...text.matchAll(/^\| (.+) \| ([\d.]+) \|$/gm)].map(([, , price]) => Number(price));
  const { lambdaGbSecond, lambdaRequest, lambdaStorageGbSecond, stepFunctionsTransition, s3Put, s3Get } =
    prices;
  const requests = [lambdaRequest * 1e6, lambdaStorageGbSecond];
  const told = [lambdaGbSecond, ...requests, stepFunctionsTransition * 1000, s3Put * 1000, s3Get * 1000];
  expect(rows.map((price) => price.toPrecision(6))).toEqual(told.map((price) => price.toPrecision(6)));
  expect(text).toContain(`List prices of ${prices.region}, November 2026`);
});
