import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Handlers } from '../src/orchestrator/handlers.ts';
import { openStore } from '../src/storage/open-store.ts';
import type { FunctionSizes } from '../src/types/function-sizes.ts';

/** Left to the other functions of a render. */
const KEPT = 3;

/**
 * Segments that the farm may render at the same time: its own bound, and what the account's quota leaves. A quota
 * that can't be read bounds nothing: what is throttled is tried again.
 */
async function capacity(): Promise<number> {
  const bound = Number(process.env.HELIOS_MAX_PARALLEL) || Number.POSITIVE_INFINITY;
  const { AccountLimit } = await new LambdaClient({})
    .send(new GetAccountSettingsCommand({}))
    .catch(() => ({ AccountLimit: undefined }));
  const free = AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions;
  return Math.max(1, Math.min(bound, (free ?? Number.POSITIVE_INFINITY) - KEPT));
}

let shared: Handlers | undefined;

/** The handlers of this sandbox, over the store of `HELIOS_STORE`; a warm sandbox keeps its browser in them. */
export function sharedHandlers(): Handlers {
  const { HELIOS_SIZES, HELIOS_RENDER_LOG_GROUP } = process.env;
  shared ??= new Handlers(openStore(), {
    capacity,
    renderLogGroup: HELIOS_RENDER_LOG_GROUP,
    sizes: HELIOS_SIZES ? (JSON.parse(HELIOS_SIZES) as FunctionSizes) : undefined,
  });
  return shared;
}
