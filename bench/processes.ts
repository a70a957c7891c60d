import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second, whatever its own rate. */
const MS_PER_TICK = 10;

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** CPU time of its own, in ms. */
  readonly ownMs: number;
  /** CPU time of its children that it has waited for, and of theirs, in ms. */
  readonly reapedMs: number;
  /** Tells it from an earlier process of the same number. */
  readonly startedAt: number;
}

function readProc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function readProcess(pid: number): RunningProcess | undefined {
  const text = readProc(`${pid}/stat`);
  if (!text) return undefined;
  // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name, in brackets, may hold anything
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return {
    pid,
    parent: fields[1] ?? 0,
    ownMs: (user + system) * MS_PER_TICK,
    reapedMs: (childrenUser + childrenSystem) * MS_PER_TICK,
    startedAt: fields[19] ?? 0,
  };
}

export function readProcesses(): Map<number, RunningProcess> {
  const all = new Map<number, RunningProcess>();
  for (const name of readdirSync('/proc')) {
    const found = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (found) all.set(found.pid, found);
  }
  return all;
}

/** Whether one is below the other, at any depth. */
export function isBelow(pid: number, root: number, all: ReadonlyMap<number, RunningProcess>): boolean {
  const parent = all.get(pid)?.parent ?? 0;
  return parent === root || (parent > 1 && isBelow(parent, root, all));
}

/** Proportional set size, in bytes. */
export function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readProc(`${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}
