import { availableParallelism, totalmem } from 'node:os';
import { type HeliosError, PageLimitError } from '../utils/errors.ts';
import { type GroupUsage, ProcessGroups } from './process-group.ts';

const INTERVAL_MS = 200;
const MEBIBYTE = 1024 ** 2;
/** Of the machine's memory, for all browsers of this process together. */
const MEMORY_SHARE = 0.75;
/** Below it the largest browser goes, if it has a good part of what is taken. */
const LEAST_FREE_SHARE = 0.05;
const GOOD_PART = 0.25;
/** Of one browser, which has some 60 on two cores and more on many. Lambda allows 1,024 in all, and has six cores. */
const MAX_THREADS = 250 + 16 * availableParallelism();

/** What is watched: a process group, and what to do when it takes too much. */
export interface Watched {
  readonly pid: number;
  stop(error: HeliosError): void;
}

/** Bytes that this process and its children may have at most. */
function machineMemory(): number {
  const lambda = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) * MEBIBYTE || Number.POSITIVE_INFINITY;
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY, lambda);
}

const inMiB = (bytes: number): number => Math.round(bytes / MEBIBYTE);

/** Which group has to go, and why. */
function overrun(usage: ReadonlyMap<number, GroupUsage>): [pid: number, error: PageLimitError] | undefined {
  for (const [pid, { threads }] of usage) {
    if (threads <= MAX_THREADS) continue;
    const message = `The page had its browser run ${threads} threads, and ${MAX_THREADS} are allowed. Have it start fewer workers.`;
    return [
      pid,
      new PageLimitError(message, { details: { limit: 'threads', threads, allowed: MAX_THREADS } }),
    ];
  }
  const machine = machineMemory();
  const taken = [...usage.values()].reduce((sum, { memory }) => sum + memory, 0);
  const scarce = process.availableMemory() < machine * LEAST_FREE_SHARE && taken > machine * GOOD_PART;
  const allowed = machine * MEMORY_SHARE;
  if (taken <= allowed && !scarce) return undefined;
  const [largest] = [...usage].sort(([, a], [, b]) => b.memory - a.memory);
  if (!largest) return undefined;
  const [pid, { memory }] = largest;
  const message = `The page's browser took ${inMiB(memory)} MiB of memory, all browsers ${inMiB(taken)} MiB, and ${inMiB(allowed)} of this machine's ${inMiB(machine)} MiB are for them. Have the page draw and keep less, render fewer segments at the same time (--concurrency), or use a machine with more memory.`;
  return [pid, new PageLimitError(message, { details: { limit: 'memory', memory, taken, allowed } })];
}

const watched = new Map<number, Watched>();
const groups = new ProcessGroups();
let timer: NodeJS.Timeout | undefined;

function look(): void {
  const found = overrun(groups.measure(new Set(watched.keys())));
  if (found) watched.get(found[0])?.stop(found[1]);
}

/** Keeps browsers from taking the machine: ends one that takes too much memory or too many threads. */
export function watchResources(browser: Watched): Disposable {
  watched.set(browser.pid, browser);
  timer ??= setInterval(look, INTERVAL_MS).unref();
  return {
    [Symbol.dispose]: () => {
      watched.delete(browser.pid);
      if (watched.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}
