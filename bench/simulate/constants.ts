/** CPU ms and bytes, by `node bench/simulate/measure.ts`, 2026-11-23; 1920×1080, x264 veryfast crf 20, JPEG 95. */
export const measured = {
  looks: {
    DOM: { frameCpuMs: 184, frameWallMs: 98, bytesPerFrame: 24_100 },
    canvas: { frameCpuMs: 164, frameWallMs: 67, bytesPerFrame: 39_800 },
    WebGL: { frameCpuMs: 279, frameWallMs: 140, bytesPerFrame: 10_500 },
    static: { frameCpuMs: 21.7, frameWallMs: 13, bytesPerFrame: 2_700 },
  },
  /** Of a segment, whatever its length: page, first frame, encoder, digest. */
  segmentCpuMs: 800,
  /** Until a browser runs, in a fresh process: imports 359, zstd instead of 1,619 of brotli 540, launch 250. */
  coldStartMs: 1_150,
  planMs: 9_000,
  stitch: { segmentCpuMs: 14.1, megabyteCpuMs: 3.15 },
  /** For a second of one track. */
  audioCpuMs: 57,
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
  /** Largest deviation of one invocation from the mean. */
  noise: 0.15,
} as const;

/** Default quotas, US East (N. Virginia), by the developer guides; Step Functions' by its older one on GitHub. */
export const limits = {
  /** 1,000 new environments a function in 10 s, refilled all the time. */
  lambdaScaling: { burst: 1000, perSecond: 100 },
  /** StartExecution's; that the children of a map run fall under it is assumed. */
  childStarts: { burst: 1300, perSecond: 300 },
  historyEvents: 25_000,
  /** The service's is 256 KiB. */
  stateBytes: 200 * 1024,
  functionSeconds: 900,
} as const;
