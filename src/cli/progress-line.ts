import type { FarmProgress } from '../types/farm.ts';
import type { RenderProgress } from '../types/render-result.ts';
import { formatClock, formatUsd } from './format.ts';

const PHASES: Readonly<Record<RenderProgress['phase'], string>> = {
  bundle: 'Bundling',
  plan: 'Planning',
  render: 'Rendering',
  stitch: 'Stitching',
};
/** A render's progress, here or on a farm. */
export type ShownProgress = RenderProgress | FarmProgress;

const WIDEST_BAR = 24;
const NARROWEST_BAR = 8;

/** Frames done of all frames, 0 to 1. */
export function shareDone({ framesDone, framesTotal }: RenderProgress): number {
  return framesTotal === 0 ? 0 : Math.min(1, framesDone / framesTotal);
}

function bar(share: number, width: number): string {
  const full = Math.round(share * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** The parts of a progress line, the most important first. */
function parts(progress: ShownProgress, elapsedSeconds: number): string[] {
  const { framesDone, framesTotal, framesPerSecond, secondsLeft, segments } = progress;
  if (progress.phase !== 'render') return [formatClock(Math.floor(elapsedSeconds))];
  const told = [`${framesDone}/${framesTotal} frames`];
  if (framesPerSecond > 0) told.push(`${framesPerSecond.toFixed(1)} fps`);
  if (secondsLeft !== null) told.push(`${formatClock(secondsLeft)} left`);
  const finished = segments.cached + segments.rendered;
  told.push(`segments ${finished}/${segments.total}, ${segments.inFlight} at work`);
  if ('queued' in segments && segments.queued > 0) told.push(`${segments.queued} queued`);
  if (segments.retried > 0) told.push(`${segments.retried} tried again`);
  if (segments.duplicated) told.push(`${segments.duplicated} started twice`);
  if ('failed' in segments && segments.failed > 0) told.push(`${segments.failed} failed`);
  if ('costSoFar' in progress && progress.costSoFar !== undefined)
    told.push(`${formatUsd(progress.costSoFar)} so far`);
  return told;
}

/** Progress in one line of plain text. */
export function plainLine(progress: ShownProgress): string {
  const phase = PHASES[progress.phase];
  if (progress.phase !== 'render') return phase;
  const percent = Math.floor(shareDone(progress) * 100);
  return `${phase} ${percent} %: ${parts(progress, 0).join(', ')}`;
}

export interface LiveLine {
  readonly progress: ShownProgress;
  readonly elapsedSeconds: number;
  /** Characters that the line may fill. */
  readonly width: number;
  readonly spinner: string;
  readonly cancelling: boolean;
}

/** All that a farm tells of its segments in few words, for a terminal of 80 columns. */
function farmParts(progress: FarmProgress): string {
  const { framesPerSecond: fps, secondsLeft, segments, costSoFar } = progress;
  const { queued, inFlight, cached, rendered, retried, failed } = segments;
  const percent = Math.floor(shareDone(progress) * 100);
  const left = secondsLeft === null ? '?' : formatClock(secondsLeft);
  const pace = `${percent}% ${fps.toFixed(fps < 100 ? 1 : 0)} fps ${left} left`;
  const counts = `queued ${queued} run ${inFlight} done ${cached + rendered} retried ${retried}`;
  const told = [pace, failed > 0 ? `${counts} failed ${failed}` : counts];
  if (costSoFar !== undefined) told.push(formatUsd(costSoFar));
  return told.join(', ');
}

/**
 * Progress in one line for a terminal. Of a farm's all is told, in fewer words where it does not fit; otherwise
 * what does not fit is left out, the last parts first.
 */
export function liveLine({ progress, elapsedSeconds, width, spinner, cancelling }: LiveLine): string {
  const label = cancelling ? 'Cancelling' : PHASES[progress.phase];
  const head = `${spinner} ${label.padEnd(10)}`;
  const told = parts(progress, elapsedSeconds);
  for (let keep = told.length; keep > 0; keep--) {
    const tail = told.slice(0, keep).join(' · ');
    const room = Math.min(WIDEST_BAR, width - head.length - tail.length - 2);
    if (progress.phase === 'render' && room >= NARROWEST_BAR) {
      return `${head} ${bar(shareDone(progress), room)} ${tail}`;
    }
    if (keep === told.length && progress.phase === 'render' && 'queued' in progress.segments) {
      const line = `${spinner} ${farmParts(progress as FarmProgress)}`;
      if (!cancelling && line.length <= width) return line;
    }
    const wantsBar = progress.phase === 'render' && keep > 1;
    if (!wantsBar && head.length + 1 + tail.length <= width) return `${head} ${tail}`;
  }
  return head.slice(0, Math.max(0, width));
}
