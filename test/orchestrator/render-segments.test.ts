import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProgressMeter } from '../../src/orchestrator/progress.ts';
import { renderSegments } from '../../src/orchestrator/render-segments.ts';
import type { CloudAdapter, FrameJobContext } from '../../src/types/contracts.ts';
import type { FrameJob, FrameResult } from '../../src/types/frame-job.ts';
import type { Plan } from '../../src/types/plan.ts';
import type { RenderProgress } from '../../src/types/render-result.ts';
import { onAbort, throwIfAborted } from '../../src/utils/abort.ts';
import { AssetError } from '../../src/utils/errors.ts';

type Attempt = (attempt: number, context: FrameJobContext) => Promise<void>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const encoding = { everyNthFrame: 1 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const lasts = (ms: number) => () => new Promise<void>((resolve) => setTimeout(resolve, ms));
const hangs: Attempt = async (_, { signal }) => {
  await new Promise<void>((resolve) => onAbort(signal, resolve));
  throwIfAborted(signal);
};

/** Renders segments of 100 frames, for which the plan measured a second each. */
function start(
  segments: readonly Attempt[],
  { maxParallel = segments.length, capacity = 10, seekMode = 'seek' } = {},
) {
  const attempts: number[] = segments.map(() => 0);
  const stopped: number[] = [];
  let inFlight = 0;
  let progress: RenderProgress | undefined;
  const adapter: CloudAdapter = {
    async invoke(_, { index }, context = {}) {
      inFlight++;
      const attempt = (attempts[index] ?? 0) + 1;
      attempts[index] = attempt;
      try {
        await segments[index]?.(attempt, context);
        return {
          index,
          frames: 100,
          cached: false,
          warnings: [`attempt ${attempt}`],
        } as unknown as FrameResult;
      } catch (error) {
        if (context.signal?.aborted) stopped.push(index);
        throw error;
      } finally {
        inFlight--;
      }
    },
    getStatus: () => ({ name: 'test', capacity, inFlight, completed: 0, failed: 0 }),
  };
  const frameJobs = segments.map(
    (_, index): Partial<FrameJob> => ({
      index,
      range: [index * 100, index * 100 + 100],
      encoding: encoding as never,
    }),
  );
  const plan = {
    frameJobs,
    maxParallel,
    encoding,
    seekMode,
    estimate: { msPerFrame: 10 },
  } as unknown as Plan;
  const controller = new AbortController();
  const meter = new ProgressMeter((told) => {
    progress = told;
  });
  const { signal } = controller;
  const worker = { renderFrame: () => Promise.reject(new Error('not used')) };
  const done = renderSegments(plan, { worker, adapter, signal, meter });
  done.catch(() => {});
  return { attempts, stopped, controller, done, duplicated: () => progress?.segments.duplicated ?? 0 };
}

test('a segment that hangs is started once more, and its first attempt is stopped', async () => {
  const hung: Attempt = (attempt, context) => (attempt === 1 ? hangs(attempt, context) : lasts(SECOND)());
  const { done, attempts, stopped, duplicated } = start([lasts(SECOND), hung, lasts(SECOND)]);
  await vi.advanceTimersByTimeAsync(15 * SECOND);
  const results = await done;
  expect(results.map(({ warnings }) => warnings[0])).toEqual(['attempt 1', 'attempt 2', 'attempt 1']);
  expect(attempts).toEqual([1, 2, 1]);
  expect(stopped).toEqual([1]);
  expect(duplicated()).toBe(1);
});

test('the first attempt may win after all, and stops the second', async () => {
  const slow: Attempt = (attempt, context) =>
    attempt === 1 ? lasts(20 * SECOND)() : hangs(attempt, context);
  const { done, stopped } = start([lasts(SECOND), slow]);
  await vi.advanceTimersByTimeAsync(25 * SECOND);
  expect((await done)[1]?.warnings).toEqual(['attempt 1']);
  expect(stopped).toEqual([1]);
});

test('there is never a third attempt', async () => {
  const { done, attempts, stopped, controller } = start([lasts(SECOND), hangs, lasts(SECOND)]);
  await vi.advanceTimersByTimeAsync(60 * MINUTE);
  expect(attempts).toEqual([1, 2, 1]);
  controller.abort();
  await expect(done).rejects.toMatchObject({ name: 'AbortedError' });
  expect(stopped).toEqual([1, 1]);
});

test.each([
  ['the plan allows no more at a time', { maxParallel: 1 }],
  ['the adapter has no room', { capacity: 1 }],
  ['segments step from frame 0', { seekMode: 'replay' }],
])('nothing is started a second time while %s', async (_, room) => {
  const { attempts, controller, done } = start([lasts(SECOND), hangs], room);
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(attempts).toEqual([1, 1]);
  controller.abort();
  await expect(done).rejects.toMatchObject({ name: 'AbortedError' });
});

test('segments that have not begun come before a second attempt', async () => {
  const waiting = Array.from({ length: 20 }, () => lasts(2 * SECOND));
  const { attempts, controller } = start([hangs, ...waiting], { maxParallel: 2 });
  await vi.advanceTimersByTimeAsync(30 * SECOND);
  expect(attempts[0]).toBe(1);
  await vi.advanceTimersByTimeAsync(15 * SECOND);
  expect(attempts).toEqual([2, ...waiting.map(() => 1)]);
  controller.abort();
});

test('an attempt that fails leaves the other one its chance; when both fail, the render does', async () => {
  const broken = async (): Promise<void> => {
    throw new AssetError('logo.png is missing.');
  };
  const saved: Attempt = (attempt) => (attempt === 1 ? lasts(20 * SECOND)() : broken());
  const first = start([lasts(SECOND), saved]);
  await vi.advanceTimersByTimeAsync(25 * SECOND);
  expect(await first.done).toHaveLength(2);
  expect(first.attempts).toEqual([1, 2]);

  const lost: Attempt = (attempt) => (attempt === 1 ? lasts(20 * SECOND)().then(broken) : broken());
  const second = start([lasts(SECOND), lost]);
  await vi.advanceTimersByTimeAsync(25 * SECOND);
  await expect(second.done).rejects.toMatchObject({ name: 'AssetError' });
});
