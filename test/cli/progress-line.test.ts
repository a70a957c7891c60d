import { expect, test } from 'vitest';
import { liveLine, plainLine } from '../../src/cli/progress-line.ts';
import type { FarmProgress } from '../../src/types/farm.ts';
import type { RenderProgress } from '../../src/types/render-result.ts';

const progress: RenderProgress = {
  phase: 'render',
  framesDone: 412,
  framesTotal: 1800,
  framesPerSecond: 61.23,
  secondsLeft: 22.7,
  segments: { total: 12, cached: 1, rendered: 2, inFlight: 2, retried: 1 },
};

test('a line of a log tells all', () => {
  expect(plainLine(progress)).toBe(
    'Rendering 22 %: 412/1800 frames, 61.2 fps, 0:23 left, segments 3/12, 2 at work, 1 tried again',
  );
});

test('a live line never fills more than its terminal', () => {
  for (let width = 0; width <= 130; width++) {
    const line = liveLine({ progress, elapsedSeconds: 4, width, spinner: '⠇', cancelling: false });
    expect(line.length).toBeLessThanOrEqual(width);
    if (width >= 30) expect(line).toContain('412/1800 frames');
    if (width >= 120) expect(line).toContain('█░');
  }
});

const onFarm: FarmProgress = {
  ...progress,
  id: 'film',
  execution: 'film',
  status: 'running',
  startedAt: '2026-11-27T08:00:00.000Z',
  elapsedSeconds: 4,
  segments: { ...progress.segments, total: 100, queued: 88, failed: 0, inFlight: 9 },
  costSoFar: 0.0123,
};
const live = (shown: RenderProgress | FarmProgress, width: number) =>
  liveLine({ progress: shown, elapsedSeconds: 4, width, spinner: '⠇', cancelling: false });

test('a live line of a farm tells all of its segments, their pace and their cost in 79 columns', () => {
  expect(live(onFarm, 79)).toBe('⠇ 22% 61.2 fps 0:23 left, queued 88 run 9 done 3 retried 1, $0.0123');
  const large: FarmProgress = {
    ...onFarm,
    framesPerSecond: 1234.5,
    secondsLeft: 3723,
    segments: {
      total: 9000,
      queued: 5000,
      inFlight: 1000,
      cached: 1000,
      rendered: 2000,
      retried: 100,
      failed: 0,
    },
    costSoFar: 12.34,
  };
  expect(live(large, 79)).toBe(
    '⠇ 22% 1235 fps 1:02:03 left, queued 5000 run 1000 done 3000 retried 100, $12.34',
  );
});

test('a live line of a farm before its pace is known', () => {
  const early: FarmProgress = {
    ...onFarm,
    framesDone: 0,
    framesPerSecond: 0,
    secondsLeft: null,
    costSoFar: 0,
  };
  expect(live(early, 79)).toBe('⠇ 0% 0.0 fps ? left, queued 88 run 9 done 3 retried 1, $0.0000');
});

test('on a wide terminal a live line of a farm tells it in words', () => {
  const line = live(onFarm, 140);
  for (const part of [
    '█░',
    '61.2 fps',
    '0:23 left',
    'segments 3/100, 9 at work',
    '88 queued',
    '1 tried again',
  ])
    expect(line).toContain(part);
  expect(line).toContain('$0.0123 so far');
});

test('a narrow live line of a farm keeps to its terminal', () => {
  for (let width = 0; width < 67; width++) expect(live(onFarm, width).length).toBeLessThanOrEqual(width);
});
