import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { FunctionName } from '../types/function-sizes.ts';

/** What the plan function told the state machine. */
const plannedSchema = z.object({
  plan: z.looseObject({
    frames: z.int(),
    segments: z.int(),
    maxParallel: z.int().default(1),
  }),
});

/** How the state machine's states are named by what they call. */
const FUNCTION_OF: Readonly<Record<string, FunctionName>> = {
  Plan: 'plan',
  Audio: 'audio',
  'Render segment': 'render',
  Stitch: 'stitch',
  'Record failure': 'failure',
  'Record audio failure': 'failure',
  'Record segment failure': 'failure',
  'Record map failure': 'failure',
};

export interface Calls {
  /** Invocations, those that failed included. */
  count: number;
  /** Milliseconds of them all, from their start to their end as the state machine saw it. */
  ms: number;
}

/** What the history of a render's execution says. */
export interface ExecutionSummary {
  readonly phase: 'plan' | 'render' | 'stitch';
  readonly plan?: z.output<typeof plannedSchema>['plan'];
  readonly planMs: number;
  /** When the segments began, in milliseconds of the epoch. */
  readonly renderSince?: number;
  readonly mapRunArn?: string;
  /** Iterations of an inline map. */
  readonly inline: { started: number; succeeded: number; failed: number };
  /** Calls that were tried again, but for those in the children of a distributed map. */
  readonly retried: number;
  /** States entered, of the execution itself. */
  readonly transitions: number;
  readonly calls: Readonly<Record<FunctionName, Calls>>;
}

const FAULTS: ReadonlySet<string> = new Set(['TaskFailed', 'TaskTimedOut']);

/** Sums up the events of an execution, the first one first. */
export function summarizeHistory(events: readonly HistoryEvent[]): ExecutionSummary {
  const byId = new Map(events.map((event) => [event.id, event]));
  const calls = Object.fromEntries(
    ['plan', 'render', 'audio', 'stitch', 'failure'].map((name) => [name, { count: 0, ms: 0 }]),
  ) as Record<FunctionName, Calls>;
  const inline = { started: 0, succeeded: 0, failed: 0 };
  let phase: ExecutionSummary['phase'] = 'plan';
  let plan: ExecutionSummary['plan'];
  let mapRunArn: string | undefined;
  let renderSince: number | undefined;
  let retried = 0;
  let transitions = 1;

  for (const event of events) {
    const { type = '', timestamp, stateEnteredEventDetails: entered } = event;
    if (entered) {
      transitions++;
      if (entered.name === 'Render and mix') {
        phase = 'render';
        renderSince = timestamp?.getTime();
        Object.assign(inline, { started: 0, succeeded: 0, failed: 0 });
      } else if (entered.name === 'Stitch') phase = 'stitch';
    }
    const { stateExitedEventDetails: exited } = event;
    if (exited?.name === 'Plan') plan = plannedSchema.safeParse(parseJson(exited.output)).data?.plan;
    if (event.mapRunStartedEventDetails) ({ mapRunArn } = event.mapRunStartedEventDetails);
    if (type === 'MapIterationStarted') inline.started++;
    else if (type === 'MapIterationSucceeded') inline.succeeded++;
    else if (type === 'MapIterationFailed' || type === 'MapIterationAborted') inline.failed++;
    if (type === 'TaskScheduled' && FAULTS.has(byId.get(event.previousEventId)?.type ?? '')) retried++;
    if (type !== 'TaskSucceeded' && !FAULTS.has(type)) continue;
    const name = FUNCTION_OF[stateOf(event, byId) ?? ''];
    if (!name) continue;
    calls[name].count++;
    calls[name].ms += sinceStarted(event, byId);
  }
  return {
    phase,
    ...(plan ? { plan } : {}),
    planMs: calls.plan.ms,
    ...(renderSince === undefined ? {} : { renderSince }),
    ...(mapRunArn === undefined ? {} : { mapRunArn }),
    inline,
    retried,
    transitions,
    calls,
  };
}

type ById = ReadonlyMap<number | undefined, HistoryEvent>;

/** The events that led to one, the latest first, itself included. */
function* ancestors(event: HistoryEvent, byId: ById): Iterable<HistoryEvent> {
  for (let at: HistoryEvent | undefined = event; at; ) {
    yield at;
    const { id = 0, previousEventId = 0 }: HistoryEvent = at;
    at = previousEventId < id ? byId.get(previousEventId) : undefined;
  }
}

function stateOf(event: HistoryEvent, byId: ById): string | undefined {
  for (const { stateEnteredEventDetails } of ancestors(event, byId))
    if (stateEnteredEventDetails) return stateEnteredEventDetails.name;
  return undefined;
}

function sinceStarted(event: HistoryEvent, byId: ById): number {
  const end = event.timestamp?.getTime() ?? 0;
  for (const { type, timestamp } of ancestors(event, byId))
    if (type === 'TaskStarted' || type === 'TaskScheduled') return end - (timestamp?.getTime() ?? end);
  return 0;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
