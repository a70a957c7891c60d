import { readdirSync, readFileSync } from 'node:fs';

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Proportional set size of this process's descendants, in bytes: browsers and encoders, not the bench itself. */
function descendantsPss(): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const parent = /\) \S (\d+)/.exec(read(`/proc/${name}/stat`))?.[1];
    if (parent) parents.set(Number(name), Number(parent));
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent === process.pid || (parent !== undefined && parent > 1 && isOurs(parent));
  };
  let kib = 0;
  for (const pid of parents.keys()) {
    if (isOurs(pid)) kib += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  }
  return kib * 1024;
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
