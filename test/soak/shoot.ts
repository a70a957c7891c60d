import { setTimeout as sleep } from 'node:timers/promises';
import { type Target, targets } from './targets.ts';

/** When and at what to shoot. */
export interface Aim {
  readonly target: Target;
  /** Milliseconds after the start of the render. */
  readonly at: number;
  /** Milliseconds that a target which was not there is given to come into its work. */
  readonly grace: number;
}

export function takeAim(random: () => number, withinMs: number): Aim {
  return {
    target: targets[Math.floor(random() * targets.length)] as Target,
    at: random() * withinMs,
    grace: random() * 200,
  };
}

export interface Range {
  find(target: Target): Promise<number[]>;
  readonly over: boolean;
}

/**
 * Kills one process as it was aimed; one that is not there is waited for until the render ends.
 * @returns whether it hit
 */
export async function shoot(
  { target, at, grace }: Aim,
  range: Range,
  random: () => number,
): Promise<boolean> {
  await sleep(at);
  while (!range.over) {
    const found = await range.find(target);
    const pid = found[Math.floor(random() * found.length)];
    if (pid === undefined) {
      for (let waited = 0; waited < grace && !range.over; waited += 50) await sleep(50);
      continue;
    }
    if (range.over) break;
    try {
      process.kill(pid, 'SIGKILL');
      return true;
    } catch {
      // It ended meanwhile.
    }
  }
  return false;
}
