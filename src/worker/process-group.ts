import { readdirSync, readFileSync } from 'node:fs';

/** What the processes of a group take together. */
export interface GroupUsage {
  /** Bytes that no file holds: each process's own, and the largest share of shared memory. */
  readonly memory: number;
  readonly threads: number;
}

const KIBIBYTE = 1024;

/** Nothing for a process that has ended. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** The group of a process; its name, in parentheses, may hold blanks and parentheses. */
function groupOf(pid: string): number {
  const stat = readProc(pid, 'stat');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

/** Looks again and again at what process groups take; asks for a process's group once only. */
export class ProcessGroups {
  #groups = new Map<string, number>();

  /** @param leaders process ids that name the groups */
  measure(leaders: ReadonlySet<number>): Map<number, GroupUsage> {
    const groups = new Map<string, number>();
    for (const pid of readdirSync('/proc'))
      if (/^\d/.test(pid)) groups.set(pid, this.#groups.get(pid) ?? groupOf(pid));
    this.#groups = groups;
    const usage = new Map<number, GroupUsage & { readonly shared: number }>();
    for (const [pid, group] of groups) {
      if (!leaders.has(group)) continue;
      const status = readProc(pid, 'status');
      const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      const sum = usage.get(group) ?? { memory: 0, threads: 0, shared: 0 };
      const shared = Math.max(sum.shared, field('RssShmem') * KIBIBYTE);
      usage.set(group, {
        memory: sum.memory - sum.shared + field('RssAnon') * KIBIBYTE + shared,
        threads: sum.threads + field('Threads'),
        shared,
      });
    }
    return usage;
  }
}
