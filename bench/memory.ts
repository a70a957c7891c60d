import { isBelow, pssOf, readProcesses } from './processes.ts';

/** Proportional set size of this process's descendants, in bytes: browsers and encoders, not the bench itself. */
function descendantsPss(): number {
  const all = readProcesses();
  let bytes = 0;
  for (const pid of all.keys()) if (isBelow(pid, process.pid, all)) bytes += pssOf(pid);
  return bytes;
}

/** Watches the memory of the processes that `work` starts, four times a second. @returns bytes at the peak */
export async function withPeakMemory<T>(work: () => Promise<T>): Promise<{ value: T; peakBytes: number }> {
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, descendantsPss());
  }, 250);
  try {
    return { value: await work(), peakBytes };
  } finally {
    clearInterval(timer);
  }
}
