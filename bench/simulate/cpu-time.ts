import { isBelow, readProcesses } from '../processes.ts';

/**
 * CPU time of this process, of what it started and of what these started, in ms. Unlike the wall clock it says
 * the same on a busy machine, nearly. The difference of two calls counts a process that ended in between when
 * its parent has waited for it.
 */
export function cpuTimeOfTree(): number {
  const all = readProcesses();
  return [...all.values()].reduce((sum, { pid, ownMs, reapedMs }) => {
    const counts = pid === process.pid || isBelow(pid, process.pid, all);
    return sum + (counts ? ownMs + reapedMs : 0);
  }, 0);
}
