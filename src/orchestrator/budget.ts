import type { FunctionSizes } from '../types/function-sizes.ts';
import type { Plan, PlanBudget } from '../types/plan.ts';
import type { Budget } from '../types/render-job.ts';
import { BudgetError, type ErrorDetails } from '../utils/errors.ts';
import { millisecondPrice } from './cost.ts';
import { estimateCost } from './estimate.ts';

/** Between two looks at what was spent, in milliseconds. */
const LEAST_WAIT_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const usd = (sum: number): string => `$${sum.toFixed(sum >= 1 ? 2 : 4)}`;
const inSeconds = (seconds: number): string => `${Number(seconds.toFixed(1))} s`;

/** Refuses a render whose estimate is above its budget. @throws BudgetError */
export function checkEstimate(
  budget: Budget,
  estimate: { readonly seconds: number; readonly usd?: number },
): void {
  const refuse = (field: string, told: string, details: ErrorDetails): never => {
    throw new BudgetError(
      `The render would ${told} (budget.${field}), so it was not begun. Raise the budget, or render fewer frames, smaller ones (--scale) or each n-th only.`,
      { details: { field: `budget.${field}`, ...details } },
    );
  };
  const { maxSeconds, maxCost } = budget;
  const { seconds, usd: cost = 0 } = estimate;
  if (maxSeconds !== undefined && seconds > maxSeconds) {
    const told = `take about ${inSeconds(seconds)}, and may take ${inSeconds(maxSeconds)}`;
    refuse('maxSeconds', told, { estimate: seconds, limit: maxSeconds });
  }
  if (maxCost !== undefined && cost > maxCost)
    refuse('maxCost', `cost about ${usd(cost)}, and may cost ${usd(maxCost)}`, {
      estimate: cost,
      limit: maxCost,
    });
}

/**
 * A farm's plan with what is left of its job's budget for drawing frames.
 * @param since when the render began, in milliseconds of the epoch
 * @throws BudgetError when the estimate is above the budget
 */
export function admitPlan(plan: Plan, budget: Budget | undefined, sizes: FunctionSizes, since: number): Plan {
  if (!budget) return plan;
  const { maxSeconds = Number.POSITIVE_INFINITY } = budget;
  if (Date.now() - since > maxSeconds * 1000) throw timeError({ ...budget, since }, false);
  const { seconds, cost, functions } = estimateCost(plan, sizes, plan.maxParallel);
  checkEstimate(budget, { seconds, usd: cost.total });
  if (budget.maxCost === undefined) return { ...plan, budget: { ...budget, since } };
  const price = millisecondPrice(sizes.render);
  const rest = cost.total - (functions.render?.ms ?? 0) * price;
  return { ...plan, budget: { ...budget, since, renderMs: (budget.maxCost - rest) / price } };
}

export interface Spending {
  /** Milliseconds that the render function has been at work for this render, in all. */
  readonly spentMs: () => Promise<number>;
  /** Functions that may be at work at the same time. */
  readonly parallel: number;
}

function timeError({ since, maxSeconds = 0 }: PlanBudget, planned: boolean): BudgetError {
  const spent = (Date.now() - since) / 1000;
  const stopped = `The render was stopped after ${inSeconds(spent)}`;
  const allowed = `it may take ${inSeconds(maxSeconds)} (budget.maxSeconds)`;
  return new BudgetError(
    planned
      ? `${stopped}: ${allowed}. Its finished segments stay; render it again with a larger budget, and only the others are rendered.`
      : `${stopped}, while it was being planned: ${allowed}, and its plan is part of that. No segment was begun. Allow more time than that; helios-infra estimate tells how much it needs, and what was measured by now need not be measured again.`,
    { details: { field: 'budget.maxSeconds', spent, limit: maxSeconds, planned } },
  );
}

function costError({ maxCost = 0, renderMs = 1 }: PlanBudget, spentMs: number): BudgetError {
  return new BudgetError(
    `The render was stopped: it may cost ${usd(maxCost)} (budget.maxCost), and its segments have taken ${inSeconds(spentMs / 1000)} of the ${inSeconds(renderMs / 1000)} of functions that this pays for. Its finished segments stay; render it again with a larger budget, and only the others are rendered.`,
    { details: { field: 'budget.maxCost', limit: maxCost, renderMs, spentMs } },
  );
}

export interface BudgetWatch {
  /** Tells what was spent. @default only the time counts */
  readonly spending?: Spending | undefined;
  /** Whether the render has a plan by now. @default it has */
  readonly planned?: () => boolean;
}

/**
 * Runs `work`, and ends it when the budget's time is over or, with `spending`, its money. The sum is looked at
 * before the work begins, and again whenever all functions together could have used up the rest.
 * @throws BudgetError
 */
export async function withinBudget<T>(
  budget: PlanBudget | undefined,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => Promise<T>,
  { spending, planned = () => true }: BudgetWatch = {},
): Promise<T> {
  if (!budget) return work(outer);
  const over = new AbortController();
  const signal = AbortSignal.any(outer ? [outer, over.signal] : [over.signal]);
  const { since, maxSeconds, renderMs } = budget;
  const timers = new Set<NodeJS.Timeout>();
  let running = true;
  const after = (ms: number, call: () => void): void => {
    if (running) timers.add(setTimeout(call, Math.min(ms, LONGEST_TIMER_MS)));
  };
  const look = async (): Promise<void> => {
    if (!spending || renderMs === undefined) return;
    const spent = await spending.spentMs();
    if (spent >= renderMs) over.abort(costError(budget, spent));
    const wait = Math.max(LEAST_WAIT_MS, (renderMs - spent) / spending.parallel);
    after(wait, () => void look().catch((error: unknown) => over.abort(error)));
  };

  try {
    if (maxSeconds !== undefined) {
      const left = since + maxSeconds * 1000 - Date.now();
      if (left <= 0) throw timeError(budget, planned());
      after(left, () => over.abort(timeError(budget, planned())));
    }
    await look();
    over.signal.throwIfAborted();
    return await work(signal);
  } catch (error) {
    throw over.signal.aborted && !outer?.aborted ? over.signal.reason : error;
  } finally {
    running = false;
    for (const timer of timers) clearTimeout(timer);
  }
}
