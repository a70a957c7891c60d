import { readdirSync, readFileSync } from 'node:fs';
import { isBelow, readProcesses } from './processes.ts';

const LOOK_MS = 50;

/** What a thread has run so far. */
export interface ThreadTime {
  readonly cpuMs: number;
  /** The command line of its process. */
  readonly command: string;
  /** At most 15 characters. */
  readonly name: string;
}

function threadsOf(pid: number): [id: string, ThreadTime][] {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    // A process that is ending has none any more.
    if (!command) return [];
    return readdirSync(`/proc/${pid}/task`).map((tid) => {
      const task = `/proc/${pid}/task/${tid}`;
      // https://docs.kernel.org/scheduler/sched-stats.html: the first number is the time on a CPU, in ns
      const [nanoseconds] = readFileSync(`${task}/schedstat`, 'utf8').split(' ');
      const name = readFileSync(`${task}/comm`, 'utf8').trim();
      return [`${pid}/${tid}`, { cpuMs: Number(nanoseconds) / 1e6, command, name }];
    });
  } catch {
    return [];
  }
}

/**
 * Watches the threads of all processes that `work` starts, twenty times a second.
 * @returns of each what it had run when it was last seen
 */
export async function withThreadTimes<T>(
  work: () => Promise<T>,
): Promise<{ value: T; threads: ThreadTime[] }> {
  const seen = new Map<string, ThreadTime>();
  const look = (): void => {
    const all = readProcesses();
    for (const pid of all.keys())
      if (isBelow(pid, process.pid, all)) for (const [id, thread] of threadsOf(pid)) seen.set(id, thread);
  };
  const timer = setInterval(look, LOOK_MS);
  try {
    return { value: await work(), threads: [...seen.values()] };
  } finally {
    clearInterval(timer);
  }
}
