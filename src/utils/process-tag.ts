import { readFileSync } from 'node:fs';

interface ProcessStat {
  /** A letter; `Z` has ended, and nobody has waited for it. */
  readonly state: string;
  /** When it started, in ticks since the machine did. */
  readonly start: string;
}

/** `undefined` where nobody tells. */
function statOf(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second value is a name in brackets, which may have blanks; the start is the 22nd.
    const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: values[0] as string, start: values[19] as string };
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Names this process in files that may outlive it: `<pid>-<start>`. Ids are given out again; in a container, each
 * run may have the same.
 */
export const processTag = `${process.pid}-${statOf(process.pid)?.start ?? 0}`;

/** The process id in a tag; 0 when it has none. */
export function pidOf(tag: string): number {
  return Number(/^(\d+)-\d+$/.exec(tag)?.[1] ?? 0);
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  return exists(pid) && statOf(pid)?.state !== 'Z';
}

/** Whether the process that a tag names runs on this machine. */
export function isRunning(tag: string): boolean {
  const pid = pidOf(tag);
  if (pid === 0 || !isAlive(pid)) return false;
  const stat = statOf(pid);
  return stat === undefined || tag === `${pid}-${stat.start}`;
}

/** The tag behind a prefix in a file's name; `undefined` when there is none. */
export function tagIn(name: string, prefix: string): string | undefined {
  return name.startsWith(prefix) ? /^\d+-\d+(?=[-.])/.exec(name.slice(prefix.length))?.[0] : undefined;
}
