import type { FunctionName, FunctionSizes } from '../types/function-sizes.ts';

/** CPU ms, by `npm run simulate:measure`, 2026-11-23; 1920×1080, x264 veryfast crf 20, JPEG 95. */
export const measured = {
  /** Of a segment, whatever its length: page, first frame, encoder, digest. */
  segmentCpuMs: 800,
  /** Until a browser runs, in a fresh process: imports 359, zstd instead of 1,619 of brotli 540, launch 250. */
  coldStartMs: 1_150,
  planMs: 9_000,
  stitch: { segmentCpuMs: 14.1, megabyteCpuMs: 3.15 },
  /** For a second of one track. */
  audioCpuMs: 57,
  /** Of a frame's pixel, in bytes: 39.8 kB of a 1080p canvas full of particles. */
  bytesPerPixel: 0.0192,
} as const;

export const assumed = {
  /** A whole vCPU, in MB (Lambda's documentation). */
  memoryOfVcpu: 1769,
  /** Lambda's vCPU (a hyperthread) beside a core of the machine that was measured. */
  slowness: 1.25,
  /** Until the runtime's first line: download of the code and layers, in ms. */
  environmentMs: 600,
  /** A function and S3, in MB/s and ms. */
  s3MegabytesPerSecond: 75,
  s3RoundTripMs: 40,
  /** Step Functions' own: entering a state, starting a child, setting up and closing a map run, in ms. */
  stateMs: 60,
  childMs: 300,
  mapRunMs: 3_000,
} as const;

/** Milliseconds that the farm's functions take beside drawing frames. */
export interface FarmTimes {
  /** Until the first line of a new environment; all that `audio` and `stitch` need to start. */
  readonly environment: number;
  /** Of a new environment until its browser runs, `environment` included. */
  readonly coldStart: number;
  readonly plan: number;
  /** Of a segment, whatever its length. */
  readonly segment: number;
  /** Of sound, for each second of one track. */
  readonly audioSecond: number;
  /** Of joining: for each segment, and for each megabyte of the video. */
  readonly stitchSegment: number;
  readonly stitchMegabyte: number;
  /** Of sending a megabyte to the store, or fetching it. */
  readonly megabyte: number;
}

/** What functions of such sizes take, by what was measured and what is assumed of AWS. */
export function farmTimes(sizes: FunctionSizes): FarmTimes {
  const { slowness, environmentMs, s3RoundTripMs } = assumed;
  const vcpus = (name: FunctionName): number => sizes[name].memory / assumed.memoryOfVcpu;
  const oneThread = (name: FunctionName, cpuMs: number): number =>
    (cpuMs / Math.min(1, vcpus(name))) * slowness;
  const megabyte = 1000 / assumed.s3MegabytesPerSecond;
  return {
    environment: environmentMs,
    coldStart: environmentMs + measured.coldStartMs * slowness,
    plan: measured.planMs,
    segment: (measured.segmentCpuMs / vcpus('render')) * slowness + 4 * s3RoundTripMs,
    audioSecond: oneThread('audio', measured.audioCpuMs),
    // Of each segment the record, 16 at a time, and the video, 8 at a time.
    stitchSegment: oneThread('stitch', measured.stitch.segmentCpuMs) + s3RoundTripMs * (1 / 16 + 1 / 8),
    stitchMegabyte: oneThread('stitch', measured.stitch.megabyteCpuMs) + 2 * megabyte,
    megabyte,
  };
}
