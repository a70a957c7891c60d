import { expect, test } from 'vitest';
import { liveLine, plainLine } from '../../src/cli/progress-line.ts';
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
