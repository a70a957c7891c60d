import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf, listProcesses, type RunningProcess } from '../helpers/processes.ts';

/** The kinds of processes of a render. */
export const targets = [
  'orchestrator',
  'browser',
  'page',
  'drawing',
  'network',
  'utility',
  'ffmpeg',
] as const;
export type Target = (typeof targets)[number];

function targetOf(command: string): Target | undefined {
  if (/ffmpeg/.test(command)) return 'ffmpeg';
  if (!/chrom/.test(command)) return undefined;
  if (/--utility-sub-type=network/.test(command)) return 'network';
  switch (/ --type=(\S+)/.exec(command)?.[1]) {
    case undefined:
      return 'browser';
    case 'renderer':
      return 'page';
    case 'gpu-process':
      return 'drawing';
    default:
      return 'utility';
  }
}

/** Follows the processes that renders start, also those whose parents have ended. */
export class ProcessWatch {
  readonly #root: number;
  readonly #groups = new Set<number>();
  readonly #seen = new Set<number>();

  constructor(root: number) {
    this.#root = root;
  }

  /** The root's processes of a kind, and the root itself as the orchestrator. */
  async find(target: Target): Promise<number[]> {
    const found = await this.#look();
    if (target === 'orchestrator') return [this.#root];
    return found.filter(({ command }) => targetOf(command) === target).map(({ pid }) => pid);
  }

  /** Keeps looking until it is told to stop, so that it knows all groups when the root is gone. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      await sleep(250);
    }
  }

  /** What still runs of it. */
  async left(): Promise<RunningProcess[]> {
    const all = await listProcesses();
    return all.filter(
      ({ pid, group, command }) =>
        this.#groups.has(group) || this.#seen.has(pid) || command.includes(`helios-infra-${this.#root}-`),
    );
  }

  async #look(): Promise<RunningProcess[]> {
    const all = await listProcesses();
    const own = all.find(({ pid }) => pid === process.pid)?.group;
    const below = descendantsOf(this.#root, all);
    const found = all.filter(({ pid }) => below.has(pid));
    for (const { pid, group } of found) {
      this.#seen.add(pid);
      if (group !== own) this.#groups.add(group);
    }
    return found;
  }
}
