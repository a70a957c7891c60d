import type { Plan } from '../types/plan.ts';
import { ValidationError } from '../utils/errors.ts';

const START_SECONDS = 90;
const LONGEST_SECONDS = 900;
const SLOWER = 5;

/**
 * Seconds after which a segment counts as hung: five times what its frames took when the plan measured them,
 * and 90 for start and upload; at most 900, a function's longest. A segment in replay steps from frame 0, at a
 * cost that was measured on few steps only, and gets all of it.
 */
export function renderTimeoutSeconds({ frameJobs, estimate, seekMode }: Plan): number {
  if (seekMode === 'replay') return LONGEST_SECONDS;
  const frames = Math.max(...frameJobs.map(({ range }) => range[1] - range[0]));
  const seconds = START_SECONDS + (SLOWER * frames * estimate.msPerFrame) / 1000;
  return Math.min(LONGEST_SECONDS, Math.ceil(seconds));
}

/**
 * Each segment of a page that is stepped from frame 0 has to fit a function with all the steps to it.
 * @param seconds what the render function has
 * @throws ValidationError
 */
export function checkReplay({ seekMode, estimate, frames }: Plan, seconds: number): void {
  const needed = Math.ceil(estimate.longestMs / 1000);
  if (seekMode !== 'replay' || needed <= seconds) return;
  throw new ValidationError(
    `frameRange: the page keeps state from frame to frame, so each segment of its ${frames} frames is stepped to from frame 0; the longest takes about ${needed} s, and a function has ${seconds} s. Let the page show any frame by itself, render fewer frames, or render it with --on local.`,
    { details: { field: 'frameRange', frames, neededSeconds: needed, functionSeconds: seconds } },
  );
}
