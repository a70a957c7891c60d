import type { MapRunItemCounts } from '@aws-sdk/client-sfn';
import { costOf, type FarmUse, type FunctionUse, storeRequests } from '../orchestrator/cost.ts';
import type { ExecutionStatus, FarmProgress, SegmentProgress } from '../types/farm.ts';
import type { FunctionName, FunctionSizes } from '../types/function-sizes.ts';
import type { ExecutionSummary } from './execution-history.ts';

export interface ProgressParts {
  readonly id: string;
  readonly execution: string;
  readonly status: ExecutionStatus;
  readonly startedAt: Date;
  /** The present, or when it ended. */
  readonly until: Date;
  readonly summary: ExecutionSummary;
  /** What the execution's workers said of finished segments. */
  readonly finished: readonly SegmentProgress[];
  /** Of a distributed map. */
  readonly counts?: MapRunItemCounts | undefined;
  readonly sizes: FunctionSizes;
}

/** Segments that are done, as far as execution, map and workers tell. */
function segmentsDone({ status, summary, finished, counts }: UsedParts): number {
  if (status === 'succeeded') return summary.plan?.segments ?? 0;
  const succeeded = counts ? (counts.succeeded ?? 0) : summary.inline.succeeded;
  return Math.max(finished.length, succeeded);
}

type UsedParts = Pick<ProgressParts, 'status' | 'summary' | 'finished' | 'counts'>;

/** What has been used so far; a distributed map's children are known by what they said when they ended. */
export function useSoFar(parts: UsedParts): FarmUse & { functions: Record<FunctionName, FunctionUse> } {
  const { summary, finished } = parts;
  const { calls, transitions, retried, mapRunArn } = summary;
  const done = segmentsDone(parts);
  const requests = storeRequests(done);
  if (mapRunArn === undefined)
    return { functions: { ...calls }, transitions: transitions + retried, ...requests };
  const ms = finished.reduce((sum, segment) => sum + segment.ms, 0);
  const again = retriesOf(finished);
  return {
    functions: { ...calls, render: { count: finished.length + again, ms } },
    transitions: transitions + retried + 2 * done + again,
    ...requests,
  };
}

/** How often segments were tried again. */
export function retriesOf(finished: readonly SegmentProgress[]): number {
  return finished.reduce((sum, { attempt }) => sum + attempt, 0);
}

/** Puts together what the execution, its map and its workers say. */
export function describeProgress(parts: ProgressParts): FarmProgress {
  const { id, execution, status, startedAt, until, summary, finished, counts, sizes } = parts;
  const { plan, phase, inline } = summary;
  const total = plan?.segments ?? 0;
  const cached = finished.filter((segment) => segment.cached);
  const done = segmentsDone(parts);
  const failed = counts ? (counts.failed ?? 0) + (counts.timedOut ?? 0) : inline.failed;
  const running = status === 'running' && phase === 'render';
  const atWork = counts ? (counts.running ?? 0) : inline.started - inline.succeeded - inline.failed;
  const inFlight = running ? Math.max(0, Math.min(atWork, total - done - failed)) : 0;
  const framesTotal = plan?.frames ?? 0;
  const told = finished.reduce((sum, { frames }) => sum + frames, 0);
  const framesDone = finished.length >= done ? told : Math.round((framesTotal * done) / Math.max(1, total));
  const renderSeconds =
    summary.renderSince === undefined ? 0 : (until.getTime() - summary.renderSince) / 1000;
  const fresh = framesDone - cached.reduce((sum, { frames }) => sum + frames, 0);
  const framesPerSecond = renderSeconds > 0 ? fresh / renderSeconds : 0;
  const retriedInMap = counts ? retriesOf(finished) : 0;
  return {
    id,
    status,
    execution,
    phase,
    startedAt: startedAt.toISOString(),
    elapsedSeconds: (until.getTime() - startedAt.getTime()) / 1000,
    framesDone,
    framesTotal,
    framesPerSecond,
    secondsLeft: running && framesPerSecond > 0 ? (framesTotal - framesDone) / framesPerSecond : null,
    segments: {
      total,
      cached: cached.length,
      rendered: done - cached.length,
      inFlight,
      queued: Math.max(0, total - done - failed - inFlight),
      failed,
      retried: summary.retried + retriedInMap,
    },
    costSoFar: costOf(useSoFar(parts), sizes).total,
  };
}
