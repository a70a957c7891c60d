import { availableParallelism } from 'node:os';
import { INLINE_SEGMENTS } from '../types/plan.ts';

const MANY_CORES = 4;
/** On a machine of one's own with few cores: half of it costs up to a tenth more in all (docs/performance.md). */
const OWN_FEW_CORES_MS = 40_000;
const MANY_CORES_MS = 8_000;
const REMOTE_MS = 20_000;
/** Of a segment that a remote worker is to be started for: half of it costs a fifth more in all (docs/scale.md). */
const LEAST_REMOTE_MS = 10_000;
/** Segments may get half as long as they are meant to be. */
const SHORT_RENDER_MS = (LEAST_REMOTE_MS * INLINE_SEGMENTS) / 2;

/**
 * Work that a segment is to have, in ms, where nobody has asked for another size: 20 s, or 40 s on a machine of one's
 * own, or 8 s on any of more than 4 cores. A short render is cut finer, down to 10 s, while remote workers would stand
 * idle: it ends a quarter to a third sooner. Of more segments than an inline map takes, that is a sixth, and gone with
 * an hour, for a fifth more money.
 * @param workMs of all frames together
 * @param remoteWorkers that may be at work at the same time; `undefined` for a machine of one's own
 */
export function segmentTarget(workMs: number, remoteWorkers: number | undefined): number {
  const hasMany = availableParallelism() > MANY_CORES;
  if (remoteWorkers === undefined) return hasMany ? MANY_CORES_MS : OWN_FEW_CORES_MS;
  const most = hasMany ? MANY_CORES_MS : REMOTE_MS;
  if (workMs > SHORT_RENDER_MS) return most;
  return Math.min(most, Math.max(LEAST_REMOTE_MS, workMs / remoteWorkers));
}
