import { performance } from 'node:perf_hooks';

/** A pause in which nothing is under way. */
const QUIET_MS = 30;
/** A page that has had nothing to do for so long will not make itself one of Helios. */
const SETTLED_MS = 400;
/** As long as that, a page that is known to be one of Helios may only be slow. */
const MOST_SETTLED_MS = 2_000;
/** What a page is given after an animation's end. */
const ENDING_MS = 100;
/** What running a timer counts for; by the time that it takes, a busy machine would have less patience. */
const TIMER_MS = 5;
/** How many times the patience may pass in real time all the same. */
const MOST_TIMES = 5;

/** A page that has loaded, but for what it does late. */
export interface LoadedPage {
  /** Whether nothing can come of waiting. */
  isOver(): boolean;
  isNetworkIdle(): boolean;
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until nothing has been under way for so many ms. */
  quiet(ms: number): Promise<void>;
}

/**
 * Waits for a page to set `window.helios`, as which it may need its timers to run and its animations to end.
 * @param patience in milliseconds as a quick machine counts them, after which the page may do without; endless when
 * `undefined`
 * @returns whether animations were ended
 */
export async function awaitHelios(page: LoadedPage, patience: number | undefined): Promise<boolean> {
  const since = performance.now();
  let [waited, idle] = [0, 0];
  let ended = false;
  while (!(await page.evaluate<boolean>('__heliosInfra__.hasHelios()'))) {
    if (page.isOver()) break;
    const ran = await page.evaluate<boolean>('__heliosInfra__.runLoadTimer()');
    waited += ran ? TIMER_MS : QUIET_MS;
    idle = ran || !page.isNetworkIdle() ? 0 : idle + QUIET_MS;
    const isSettled = idle > (patience === undefined ? MOST_SETTLED_MS : SETTLED_MS);
    // A page may wait for the end of an animation.
    if (isSettled && (await page.evaluate<boolean>('__heliosInfra__.endLoadAnimations()'))) {
      ended = true;
      idle -= ENDING_MS;
    } else if (patience !== undefined) {
      const isLate = waited > patience || performance.now() - since > MOST_TIMES * patience;
      if (isSettled || isLate) break;
    }
    await page.quiet(ran ? 1 : QUIET_MS);
  }
  return ended;
}
