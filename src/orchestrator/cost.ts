import type { FunctionName, FunctionSize, FunctionSizes } from '../types/function-sizes.ts';
import { INLINE_SEGMENTS } from '../types/plan.ts';

/** List prices in USD, without free tiers, discounts and taxes. */
export interface PriceTable {
  readonly date: string;
  readonly region: string;
  readonly source: string;
  /** x86, a GB of memory for a second. */
  readonly lambdaGbSecond: number;
  readonly lambdaRequest: number;
  /** A GB of /tmp above 512 MB for a second. */
  readonly lambdaStorageGbSecond: number;
  /** Of standard workflows. */
  readonly stepFunctionsTransition: number;
  readonly s3Put: number;
  readonly s3Get: number;
}

export const prices: PriceTable = {
  date: '2026-11',
  region: 'us-east-1',
  source: 'aws.amazon.com/lambda/pricing, /step-functions/pricing, /s3/pricing',
  lambdaGbSecond: 0.0000166667,
  lambdaRequest: 0.2 / 1e6,
  lambdaStorageGbSecond: 0.0000000309,
  stepFunctionsTransition: 0.025 / 1000,
  s3Put: 0.005 / 1000,
  s3Get: 0.0004 / 1000,
};

/** Invocations of a function, and the milliseconds that all of them took together. */
export interface FunctionUse {
  readonly count: number;
  readonly ms: number;
}

export interface FarmUse {
  readonly functions: Readonly<Partial<Record<FunctionName, FunctionUse>>>;
  readonly transitions: number;
  readonly puts: number;
  readonly gets: number;
}

/** USD by part. */
export interface Cost {
  readonly functions: Readonly<Record<FunctionName, number>>;
  readonly stateMachine: number;
  readonly storage: number;
  readonly total: number;
}

/** USD for a millisecond of a function, its requests apart. */
export function millisecondPrice(
  { memory, ephemeralStorage }: FunctionSize,
  table: PriceTable = prices,
): number {
  const second =
    (memory / 1024) * table.lambdaGbSecond + ((ephemeralStorage - 512) / 1024) * table.lambdaStorageGbSecond;
  return second / 1000;
}

/** What a use of the farm costs. */
export function costOf(use: FarmUse, sizes: FunctionSizes, table: PriceTable = prices): Cost {
  const functions = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => {
      const { count, ms } = use.functions[name as FunctionName] ?? { count: 0, ms: 0 };
      return [name, ms * millisecondPrice(size, table) + count * table.lambdaRequest];
    }),
  ) as Record<FunctionName, number>;
  const stateMachine = use.transitions * table.stepFunctionsTransition;
  const storage = use.puts * table.s3Put + use.gets * table.s3Get;
  const total = Object.values(functions).reduce((sum, part) => sum + part, stateMachine + storage);
  return { functions, stateMachine, storage, total };
}

/** Requests to S3 that go with so many segments: their files, pictures, records and progress, and the plan of each. */
export function storeRequests(segments: number): { readonly puts: number; readonly gets: number } {
  return { puts: 5 * segments + 8, gets: 9 * segments + 20 };
}

/**
 * State transitions of a render to its end: the execution's start and its nine states, one for each segment (two
 * in a distributed map, whose children are executions of their own), and one for each retry.
 */
export function transitionsOf(segments: number, retries: number): number {
  return 10 + segments * (segments > INLINE_SEGMENTS ? 2 : 1) + retries;
}

export interface RenderCalls {
  readonly functions: FarmUse['functions'];
  readonly segments: number;
  /** Calls that were made again. */
  readonly retries: number;
}

/** What a whole render uses: states and requests follow from its calls. */
export function useOfRender({ functions, segments, retries }: RenderCalls): FarmUse {
  return { functions, transitions: transitionsOf(segments, retries), ...storeRequests(segments) };
}

/**
 * What a finished render used, by what its functions told of themselves.
 * @param timings milliseconds by function
 * @param invocations of the render function
 */
export function useByTimings(
  { plan, render, audio, stitch }: Readonly<Record<'plan' | 'render' | 'audio' | 'stitch', number>>,
  segments: number,
  invocations: number,
): FarmUse {
  return useOfRender({
    functions: {
      plan: { count: 1, ms: plan },
      render: { count: invocations, ms: render },
      audio: { count: 1, ms: audio },
      stitch: { count: 1, ms: stitch },
    },
    segments,
    retries: Math.max(0, invocations - segments),
  });
}
