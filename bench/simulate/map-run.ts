import { type Retrier, retries } from '../../cdk/retries.ts';
import { Agenda } from './agenda.ts';
import { seededRandom } from './random.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/** What one invocation of the render function takes, in ms. */
export interface RenderTimes {
  /** From nothing to a browser. */
  readonly start: number;
  /** Of a segment, whatever its length: page, first frame, encoder, upload's round trips. */
  readonly segment: number;
  readonly frame: number;
}

export interface MapRunOptions {
  /** Frames of each segment, or what as many of them would take. */
  readonly segments: readonly number[];
  readonly times: RenderTimes;
  /** Children of the map at the same time. */
  readonly slots: number;
  /** Invocations that Lambda runs at the same time, at a given moment. @default no bound */
  readonly quota?: (now: number) => number;
  /** Environments that wait with a browser at the beginning. @default 0 */
  readonly warm?: number;
  /** How fast Lambda makes new environments. @default at once */
  readonly scaling?: Rate;
  /** How fast children start. @default at once */
  readonly childStarts?: Rate;
  /** Of Step Functions for each child, in ms; the slot is taken, no function runs. @default 0 */
  readonly childOverhead?: number;
  /** Share of invocations that crash, at any point of their work, and take their environment along. @default 0 */
  readonly failureRate?: number;
  /** Largest deviation of an invocation's time from the mean, 0–1. @default 0 */
  readonly noise?: number;
  /** @default 1 */
  readonly seed?: number;
}

export interface MapRun {
  /** False when a segment used up its retries. */
  readonly succeeded: boolean;
  readonly wallMs: number;
  /** Sum over all invocations, in ms. */
  readonly billedMs: number;
  readonly invocations: number;
  readonly coldStarts: number;
  readonly crashes: number;
  readonly throttles: number;
  /** Invocations at the same time, at the most. */
  readonly peak: number;
  /** Attempts of the segment that took the most of them. */
  readonly mostAttempts: number;
}

const retrierOf = (error: string): Retrier => {
  const found = retries.find(({ ErrorEquals }) => ErrorEquals.includes(error));
  if (!found) throw new Error(`the state machine does not retry ${error}`);
  return found;
};
const throttled = retrierOf('Lambda.TooManyRequestsException');
const crashed = retrierOf('Runtime.ExitError');

function pauseMs(
  { IntervalSeconds, BackoffRate, MaxDelaySeconds }: Retrier,
  retries: number,
  jitter: number,
): number {
  return (
    jitter *
    Math.min(IntervalSeconds * BackoffRate ** retries, MaxDelaySeconds ?? Number.POSITIVE_INFINITY) *
    1000
  );
}

/** Runs the segments through the map's slots and Lambda's environments. */
export function runMap(options: MapRunOptions): MapRun {
  const {
    segments,
    times,
    slots,
    quota = () => Number.POSITIVE_INFINITY,
    failureRate = 0,
    noise = 0,
  } = options;
  const { childOverhead = 0, seed = 1 } = options;
  const agenda = new Agenda();
  const random = seededRandom(seed);
  const scaling = options.scaling && new TokenBucket(options.scaling);
  const childStarts = options.childStarts && new TokenBucket(options.childStarts);
  let idle = options.warm ?? 0;
  let running = 0;
  let next = 0;
  const run = {
    succeeded: true,
    billedMs: 0,
    invocations: 0,
    coldStarts: 0,
    crashes: 0,
    throttles: 0,
    peak: 0,
    mostAttempts: 0,
  };

  const startChild = (): void => {
    const frames = next < segments.length && run.succeeded ? segments[next++] : undefined;
    if (frames === undefined) return;
    const from = childStarts ? childStarts.reserve(agenda.now) : agenda.now;
    agenda.at(from + childOverhead, () => invoke({ frames, throttles: 0, crashes: 0 }));
  };
  const retry = (child: Child, retrier: Retrier, retries: number): void => {
    if (retries >= retrier.MaxAttempts) run.succeeded = false;
    else agenda.at(agenda.now + pauseMs(retrier, retries, random()), () => invoke(child));
  };
  const invoke = (child: Child): void => {
    run.mostAttempts = Math.max(run.mostAttempts, 1 + child.throttles + child.crashes);
    const warm = idle > 0;
    if (running >= quota(agenda.now) || !(warm || !scaling || scaling.tryTake(agenda.now))) {
      run.throttles++;
      retry(child, throttled, child.throttles++);
      return;
    }
    if (warm) idle--;
    else run.coldStarts++;
    running++;
    run.invocations++;
    run.peak = Math.max(run.peak, running);
    const whole = (warm ? 0 : times.start) + times.segment + child.frames * times.frame;
    const crashes = random() < failureRate;
    const ms = whole * (1 + noise * (2 * random() - 1)) * (crashes ? random() : 1);
    agenda.at(agenda.now + ms, () => {
      running--;
      run.billedMs += ms;
      if (crashes) {
        run.crashes++;
        retry(child, crashed, child.crashes++);
        return;
      }
      idle++;
      startChild();
    });
  };

  for (let slot = 0; slot < slots; slot++) startChild();
  const wallMs = agenda.run();
  return { ...run, wallMs };
}

interface Child {
  readonly frames: number;
  throttles: number;
  crashes: number;
}
