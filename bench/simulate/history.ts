import { INLINE_SEGMENTS } from '../../src/types/plan.ts';

const TASK = 5; // entered, scheduled, started, succeeded, exited
const RETRY = 3; // failed, scheduled, started
const EXECUTION = 2; // started, succeeded
const TASKS_OF_PARENT = 5; // announce start, plan, audio, stitch, announce success
const PARALLEL = 4; // entered, started, succeeded, exited
const PASSED = 2; // a choice or a succeed: entered, exited
const INLINE_MAP = 4;
const MAP_RUN = 6; // the map's four, map run started and succeeded
const ITERATION = 2;

export interface History {
  readonly parentEvents: number;
  /** Of the child with the most; 0 when the map is inline. */
  readonly childEvents: number;
}

export interface Attempts {
  readonly segments: number;
  /** Of all segments together. */
  readonly retries: number;
  readonly mostAttempts: number;
}

/** The events of an execution in which only segments are retried, by cdk/render-definition.ts. */
export function historyOf({ segments, retries, mostAttempts }: Attempts): History {
  const frame = EXECUTION + TASKS_OF_PARENT * TASK + PARALLEL + 2 * PASSED;
  const inline = segments <= INLINE_SEGMENTS;
  if (inline) {
    return {
      parentEvents: frame + INLINE_MAP + segments * (ITERATION + TASK) + retries * RETRY,
      childEvents: 0,
    };
  }
  return {
    parentEvents: frame + MAP_RUN,
    childEvents: EXECUTION + TASK + (mostAttempts - 1) * RETRY,
  };
}
