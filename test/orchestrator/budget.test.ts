import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { admitPlan, checkEstimate, withinBudget } from '../../src/orchestrator/budget.ts';
import { costOf, useOfRender } from '../../src/orchestrator/cost.ts';
import { estimateCost } from '../../src/orchestrator/estimate.ts';
import { markStart, spentMs } from '../../src/orchestrator/spent-time.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { defaultSizes } from '../../src/types/function-sizes.ts';
import type { Plan } from '../../src/types/plan.ts';
import { onAbort, throwIfAborted } from '../../src/utils/abort.ts';
import { CloudServiceError } from '../../src/utils/errors.ts';

const plan = {
  frames: 1000,
  maxParallel: 5,
  composition: { fps: 30, width: 1280, height: 720 },
  encoding: { everyNthFrame: 1, scale: 1, codec: 'h264' },
  frameJobs: Array.from({ length: 10 }),
  segmentsFound: 0,
  audioTracks: [],
  estimate: { msPerFrame: 100, msPerStep: 50, workMs: 100_000, longestMs: 0, wallMs: 20_000 },
} as unknown as Plan;
const SECOND = 1_000;

describe('before', () => {
  test('an estimate above a limit names both, and the field', () => {
    const refused = (budget: object) => () => checkEstimate(budget, { seconds: 95, usd: 1.5 });
    expect(refused({ maxSeconds: 90 })).toThrow(
      expect.objectContaining({
        name: 'BudgetError',
        message: expect.stringMatching(/take about 95 s, and may take 90 s \(budget\.maxSeconds\)/),
        details: { field: 'budget.maxSeconds', estimate: 95, limit: 90 },
      }),
    );
    expect(refused({ maxCost: 1, maxSeconds: 100 })).toThrow(
      expect.objectContaining({ details: { field: 'budget.maxCost', estimate: 1.5, limit: 1 } }),
    );
    expect(refused({ maxCost: 1.5, maxSeconds: 95 })).not.toThrow();
    expect(refused({})).not.toThrow();
  });

  test('what is left for drawing frames makes, with the rest of the estimate, the whole budget', () => {
    const maxCost = 0.05;
    const admitted = admitPlan(plan, { maxCost }, defaultSizes, 7);
    const { renderMs = 0, since } = admitted.budget ?? { since: 0 };
    expect(since).toBe(7);
    const { functions } = estimateCost(plan, defaultSizes, 5);
    const used = { ...functions, render: { count: 10, ms: renderMs } };
    const use = useOfRender({ functions: used, segments: 10, retries: 0 });
    expect(costOf(use, defaultSizes).total).toBeCloseTo(maxCost, 9);
    expect(() => admitPlan(plan, { maxCost: 0.001 }, defaultSizes, 0)).toThrow('and may cost $0.0010');
    expect(admitPlan(plan, undefined, defaultSizes, 0)).toBe(plan);
  });

  test('a plan that took all of the time is told so', () => {
    const admit = () => admitPlan(plan, { maxSeconds: 60 }, defaultSizes, Date.now() - 61_000);
    expect(admit).toThrow('while it was being planned');
  });
});

describe('while it runs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const endless = async (signal: AbortSignal | undefined): Promise<never> => {
    await new Promise<void>((resolve) => onAbort(signal, resolve));
    throwIfAborted(signal);
    throw new Error('the signal did not fire');
  };
  /** The error of a run, and when it came. */
  const ending = (running: Promise<unknown>) =>
    running.then(
      () => expect.fail('it ended well'),
      (error: unknown) => ({ error, at: Date.now() - 1_000_000 }),
    );
  const since = 1_000_000;

  test('it ends when its time is over, and does not begin after that', async () => {
    const ended = ending(withinBudget({ since, maxSeconds: 60 }, undefined, endless));
    await vi.advanceTimersByTimeAsync(100 * SECOND);
    expect(await ended).toMatchObject({
      at: 60 * SECOND,
      error: { name: 'BudgetError', details: { field: 'budget.maxSeconds', limit: 60, spent: 60 } },
    });
    const work = vi.fn(endless);
    await expect(withinBudget({ since, maxSeconds: 60 }, undefined, work)).rejects.toThrow(
      'budget.maxSeconds',
    );
    expect(work).not.toHaveBeenCalled();
  });

  test('it ends when the sum of all functions gets to what the money pays for, with few looks', async () => {
    const spent = vi.fn(async () => 4 * (Date.now() - since));
    const budget = { since, maxCost: 1, renderMs: 400 * SECOND };
    const ended = ending(
      withinBudget(budget, undefined, endless, { spending: { spentMs: spent, parallel: 5 } }),
    );
    await vi.advanceTimersByTimeAsync(200 * SECOND);
    const { at, error } = await ended;
    expect(error).toMatchObject({ name: 'BudgetError', details: { field: 'budget.maxCost', limit: 1 } });
    expect(at).toBeGreaterThanOrEqual(100 * SECOND);
    expect(at).toBeLessThanOrEqual(101 * SECOND);
    expect(spent.mock.calls.length).toBeLessThan(10);
  });

  test('nothing begins once the money is spent', async () => {
    const work = vi.fn(endless);
    const spending = { spentMs: async () => 10, parallel: 1 };
    const run = withinBudget({ since, maxCost: 1, renderMs: 10 }, undefined, work, { spending });
    await expect(run).rejects.toMatchObject({ name: 'BudgetError' });
    expect(work).not.toHaveBeenCalled();
  });

  test('work within the budget, its own errors, a cancel and a failing look come through', async () => {
    const budget = { since, maxCost: 1, maxSeconds: 60, renderMs: 60 * SECOND };
    const spending = { spentMs: async () => 0, parallel: 1 };
    expect(await withinBudget(budget, undefined, async () => 5, { spending })).toBe(5);
    const broken = withinBudget(budget, undefined, () => Promise.reject(new RangeError('x')), { spending });
    await expect(broken).rejects.toThrow(RangeError);
    const outer = new AbortController();
    const cancelled = ending(withinBudget(budget, outer.signal, endless, { spending }));
    outer.abort();
    expect((await cancelled).error).toMatchObject({ name: 'AbortedError' });
    let looks = 0;
    const failing = {
      parallel: 6,
      spentMs: async () => {
        if (looks++ > 0) throw new CloudServiceError('gone');
        return 0;
      },
    };
    const failed = ending(withinBudget(budget, undefined, endless, { spending: failing }));
    await vi.advanceTimersByTimeAsync(20 * SECOND);
    expect(await failed).toMatchObject({ at: 10 * SECOND, error: { name: 'CloudServiceError' } });
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('the sum counts each attempt from its mark to its end, to the next attempt, or to now', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'spent-'));
  try {
    const store = new LocalStore(folder);
    const begin = Math.floor(Date.now() / 1000) - 100;
    const at = async (key: string, second: number): Promise<void> => {
      if (!(await store.head(key))) await store.put(key, '{}');
      await utimes(store.localPath(key), begin + second, begin + second);
    };
    const start = async (index: number, attempt: number, second: number) => {
      await markStart(store, 'r', index, attempt);
      await at(keys.segmentStart('r', index, attempt), second);
    };
    // Done in 20 s.
    await start(0, 0, 0);
    await at(keys.progress('r', 0), 20);
    // Failed after 5 s, begun anew 10 s later, done in 15 s.
    await start(1, 0, 0);
    await start(1, 1, 15);
    await at(keys.segmentError('r', 1), 5);
    await at(keys.progress('r', 1), 30);
    // Crashed at some time before 12, then done in 8 s.
    await start(2, 0, 2);
    await start(2, 1, 12);
    await at(keys.progress('r', 2), 20);
    expect(await spentMs(store, 'r', begin * 1000)).toBe((20 + 5 + 15 + 10 + 8) * 1000);
    // At work since 70; another execution's, and another render's.
    await start(3, 0, 70);
    await start(4, 0, -50);
    await at(keys.progress('r', 4), -20);
    await markStart(store, 'other', 0, 0);
    const sum = await spentMs(store, 'r', begin * 1000);
    expect(sum).toBeGreaterThanOrEqual((58 + 30) * 1000);
    expect(sum).toBeLessThan((58 + 30 + 60) * 1000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
