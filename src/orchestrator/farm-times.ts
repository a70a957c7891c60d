import { MIN_COPY_BYTES } from '../stitcher/mp4/plan-join.ts';
import type { FunctionName, FunctionSizes } from '../types/function-sizes.ts';
import type { RenderResult } from '../types/render-result.ts';

/**
 * CPU ms where nothing else is said, on a machine that was slow (docs/scale.md), 2026-11-28, by `npm run
 * simulate:measure` but for what names another way; 1920×1080, the default encoder.
 */
export const measured = {
  /** Of a segment, whatever its length: page, first frame, encoder, digest. */
  segmentCpuMs: 1_500,
  /** Until a browser runs, in a fresh process: imports 359, zstd instead of 1,619 of brotli 540, launch 250; 2026-11-23. */
  coldStartMs: 1_150,
  /** Wall time of `estimate` for an hour of canvas, its process included. */
  planMs: 2_800,
  /**
   * In S3, by the kit's joiner, which reads and sends at the same time, and by FFmpeg, which goes through /tmp:
   * `npm run bench:stitch`, 1,000 segments of 1.03 MiB and of 0.13 MiB (`--kilobits 300`).
   */
  stitch: {
    kit: { segmentCpuMs: 3.9, megabyteCpuMs: 10.2 },
    ffmpeg: { segmentCpuMs: 7.8, megabyteCpuMs: 25.5 },
  },
  /** For a second of one track. */
  audioCpuMs: 40.7,
  /** Of a frame's pixel, in bytes: 46 kB of a 1080p canvas full of particles. */
  bytesPerPixel: 0.0222,
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

type JoinedBy = RenderResult['joinedBy'];

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
  /** Of joining, for each segment and for each megabyte of the video; `copied` by the kit where S3 copies the video. */
  readonly stitch: Readonly<
    Record<JoinedBy | 'copied', { readonly segment: number; readonly megabyte: number }>
  >;
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
  const cpuOf = (by: JoinedBy) => ({
    segment: oneThread('stitch', measured.stitch[by].segmentCpuMs),
    megabyte: oneThread('stitch', measured.stitch[by].megabyteCpuMs),
  });
  const [kit, ffmpeg] = [cpuOf('kit'), cpuOf('ffmpeg')];
  return {
    environment: environmentMs,
    coldStart: environmentMs + measured.coldStartMs * slowness,
    plan: measured.planMs * slowness,
    segment: (measured.segmentCpuMs / vcpus('render')) * slowness + 4 * s3RoundTripMs,
    audioSecond: oneThread('audio', measured.audioCpuMs),
    stitch: {
      // Of each segment the record and the tables, 16 at a time, and its bytes, 4 at a time; parts of 5 MiB, 3 at a time.
      kit: {
        segment: kit.segment + s3RoundTripMs * (2 / 16 + 1 / 4),
        megabyte: kit.megabyte + megabyte + s3RoundTripMs / 3 / (MIN_COPY_BYTES / 1e6),
      },
      // Of each segment the record, the tables and the digest, 16 at a time, and a copy, 3 at a time.
      copied: { segment: kit.segment + s3RoundTripMs * (3 / 16 + 1 / 3), megabyte: megabyte / 3 },
      // Of each segment the record, 16 at a time, and the video, 8 at a time.
      ffmpeg: {
        segment: ffmpeg.segment + s3RoundTripMs * (1 / 16 + 1 / 8),
        megabyte: ffmpeg.megabyte + 2 * megabyte,
      },
    },
    megabyte,
  };
}

/** What is joined. */
export interface Joining {
  readonly segments: number;
  readonly megabytes: number;
  readonly hasSound: boolean;
  /** By FFmpeg, an output is written to the temporary folder first. @default the kit */
  readonly by?: JoinedBy;
}

/** Milliseconds of joining, without the start of its function. */
export function joiningMs({ stitch }: FarmTimes, joining: Joining): number {
  const { segments, megabytes, hasSound, by = 'kit' } = joining;
  const leastCopied = ((hasSound ? 2 : 1) * MIN_COPY_BYTES) / 1e6;
  const way = by === 'kit' && megabytes / segments >= leastCopied ? 'copied' : by;
  return segments * stitch[way].segment + megabytes * stitch[way].megabyte;
}
