import { cpus, loadavg, totalmem } from 'node:os';
import { millisecondPrice } from '../../src/orchestrator/cost.ts';
import { openKit } from '../../src/worker/kit.ts';
import type { Contestant } from './contestant.ts';
import type { Cost } from './run-command.ts';

export interface Measured {
  readonly look: string;
  readonly who: string;
  readonly concurrency: number;
  readonly frames: number;
  readonly wallSeconds: number;
  readonly framesPerSecond: number;
  readonly cpuSecondsPerFrame: number;
  readonly peakMiB: number;
  readonly ssim: number;
  /** Of the video. */
  readonly kbitPerSecond: number;
  /** By the memory at its peak. */
  readonly framesPerGbSecond: number;
  /** Of a minute of video, in USD, on a function that has as many cores. */
  readonly usdPerMinute: number;
}

export interface Failed {
  readonly look: string;
  readonly who: string;
  readonly failed: string;
}

export type Row = Measured | Failed;

export interface Comparison {
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    /** Processes that ran or waited in the minute before; 0 on a quiet machine. */
    readonly loadBefore: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

export const isMeasured = (row: Row): row is Measured => !('failed' in row);

const VIDEO_FPS = 30;
const MINUTE_FRAMES = 60 * VIDEO_FPS;
/** Lambda gives a function a whole core for each of these. */
const LAMBDA_CORE_MB = 1769;

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

export interface Run extends Cost {
  readonly look: string;
  readonly who: string;
  readonly concurrency: number;
  readonly frames: number;
  readonly ssim: number;
  /** Of the video's file. */
  readonly bytes: number;
}

export function toRow({ wallSeconds, cpuSeconds, peakBytes, ssim, bytes, ...rest }: Run): Measured {
  const perSecond = rest.frames / wallSeconds;
  const memory = Math.max(cpus().length * LAMBDA_CORE_MB, peakBytes / 2 ** 20);
  const usd =
    (MINUTE_FRAMES / perSecond) * 1000 * millisecondPrice({ memory, ephemeralStorage: 512, timeout: 900 });
  return {
    ...rest,
    wallSeconds: round(wallSeconds, 2),
    framesPerSecond: round(perSecond, 2),
    cpuSecondsPerFrame: round(cpuSeconds / rest.frames, 3),
    peakMiB: round(peakBytes / 2 ** 20, 0),
    ssim: round(ssim, 4),
    kbitPerSecond: round((bytes * 8 * VIDEO_FPS) / rest.frames / 1000, 0),
    framesPerGbSecond: round(perSecond / (peakBytes / 2 ** 30), 2),
    usdPerMinute: round(usd, 5),
  };
}

export async function describeRun(
  contestants: readonly Contestant[],
): Promise<Pick<Comparison, 'versions' | 'notes'>> {
  const { chromiumVersion } = await openKit();
  return {
    versions: {
      node: process.versions.node,
      chromium: chromiumVersion,
      ...Object.fromEntries(
        contestants.filter(({ version }) => version).map(({ name, version }) => [name, version]),
      ),
    },
    notes: Object.fromEntries(contestants.map(({ name, note }) => [name, note])),
  };
}

export function describeMachine(): Comparison['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: round(totalmem() / 2 ** 30, 0),
    loadBefore: round(loadavg()[0] ?? 0, 1),
  };
}
