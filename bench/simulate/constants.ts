/** By `npm run simulate:measure`, 2026-11-28; 1920×1080, the default encoder. */
export const looks = {
  DOM: { frameCpuMs: 73.2, frameWallMs: 56.8, bytesPerFrame: 27_700 },
  canvas: { frameCpuMs: 37.6, frameWallMs: 21.4, bytesPerFrame: 46_000 },
  WebGL: { frameCpuMs: 124, frameWallMs: 73.9, bytesPerFrame: 8_320 },
  static: { frameCpuMs: 4.73, frameWallMs: 2.96, bytesPerFrame: 1_740 },
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
