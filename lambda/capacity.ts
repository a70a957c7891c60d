import { Logger } from '@aws-lambda-powertools/logger';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Capacity } from '../src/orchestrator/handler-context.ts';
import { parallelSegments } from '../src/orchestrator/parallel-segments.ts';

/** The smallest quota that an account has. */
const SMALLEST_QUOTA = 10;
/** A network without a way to Lambda's API lets a request hang. */
const PATIENCE_MS = 3000;

/**
 * Segments that the farm may render at the same time: its own bound, which is what is reserved for it, or without
 * a reservation what the account's quota leaves.
 */
export async function capacity(): Promise<Capacity> {
  const { HELIOS_MAX_PARALLEL, HELIOS_RESERVED_CONCURRENCY } = process.env;
  const bound = Number(HELIOS_MAX_PARALLEL) || Number.POSITIVE_INFINITY;
  if (HELIOS_RESERVED_CONCURRENCY) return { segments: Math.min(bound, Number(HELIOS_RESERVED_CONCURRENCY)) };
  const client = new LambdaClient({ maxAttempts: 2 });
  const abortSignal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}), { abortSignal });
    const { UnreservedConcurrentExecutions, ConcurrentExecutions = SMALLEST_QUOTA } = AccountLimit ?? {};
    const unreserved = UnreservedConcurrentExecutions ?? ConcurrentExecutions;
    return { segments: parallelSegments({ maxParallel: bound, unreserved }) };
  } catch (error) {
    const segments = Math.min(bound, SMALLEST_QUOTA);
    const why = abortSignal.aborted ? `no answer in ${PATIENCE_MS / 1000} s` : (error as Error).name;
    const warning = `The account's concurrency quota could not be read (${why}), so at most ${segments} segments are rendered at the same time. Let the plan function reach Lambda's API, or deploy with reservedConcurrency.`;
    new Logger({ serviceName: 'plan' }).warn(warning, error as Error);
    return { segments, warning };
  } finally {
    client.destroy();
  }
}
