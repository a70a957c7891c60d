import { isBelow, pssOf, type RunningProcess, readProcesses } from '../processes.ts';

/**
 * All that a command starts, from its first process on. What was seen once stays in it: a browser's processes that
 * outlive their parent count on.
 */
export class ProcessTree {
  readonly #members = new Map<number, RunningProcess>();
  readonly #reapedBefore: number;
  #peakBytes = 0;
  #endedMs = 0;

  /** @param root a child of this process that was started just now */
  constructor(root: number) {
    const all = readProcesses();
    const first = all.get(root);
    if (first?.parent === process.pid) this.#members.set(root, first);
    this.#reapedBefore = reapedMs(all);
  }

  look(): void {
    const all = readProcesses();
    for (const [pid, member] of this.#members) {
      if (all.get(pid)?.startedAt === member.startedAt) continue;
      this.#endedMs += member.ownMs;
      this.#members.delete(pid);
    }
    const known = [...this.#members.keys()];
    for (const [pid, found] of all)
      if (known.some((member) => pid === member || isBelow(pid, member, all))) this.#members.set(pid, found);
    const bytes = [...this.#members.keys()].reduce((sum, pid) => sum + pssOf(pid), 0);
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
  }

  /** Proportional set size of all together, at its peak. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /**
   * CPU time, user and system. Looks miss what ends between two of them; waiting for children misses those whose
   * parent ended first: neither counts too much, so the larger sum is told. Call it when the root has ended.
   */
  get cpuMs(): number {
    const seen = [...this.#members.values()].reduce((sum, { ownMs }) => sum + ownMs, this.#endedMs);
    return Math.max(seen, reapedMs(readProcesses()) - this.#reapedBefore);
  }

  kill(): void {
    this.look();
    for (const pid of this.#members.keys()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {}
    }
  }
}

function reapedMs(all: ReadonlyMap<number, RunningProcess>): number {
  return all.get(process.pid)?.reapedMs ?? 0;
}
