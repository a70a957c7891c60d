/** By `node bench/simulate/measure.ts`, 2026-11-23; 1920×1080, x264 veryfast crf 20, JPEG 95. */
export const looks = {
  DOM: { frameCpuMs: 184, frameWallMs: 98, bytesPerFrame: 24_100 },
  canvas: { frameCpuMs: 164, frameWallMs: 67, bytesPerFrame: 39_800 },
  WebGL: { frameCpuMs: 279, frameWallMs: 140, bytesPerFrame: 10_500 },
  static: { frameCpuMs: 21.7, frameWallMs: 13, bytesPerFrame: 2_700 },
} as const;

/** Assumed: largest deviation of one invocation from the mean. */
export const NOISE = 0.15;

/** Default quotas, US East (N. Virginia), by the developer guides; Step Functions' by its older one on GitHub. */
export const limits = {
  /** 1,000 new environments a function in 10 s, refilled all the time. */
  lambdaScaling: { burst: 1000, perSecond: 100 },
  /** StartExecution's; that the children of a map run fall under it is assumed. */
  childStarts: { burst: 1300, perSecond: 300 },
  historyEvents: 25_000,
  /** The service's is 256 KiB. */
  stateBytes: 200 * 1024,
} as const;
