import { performance } from 'node:perf_hooks';

/** Gives, at each call, the milliseconds since the call before (the first time: since it was made). */
export function stopwatch(): () => number {
  let since = performance.now();
  return () => {
    const now = performance.now();
    const ms = now - since;
    since = now;
    return ms;
  };
}
