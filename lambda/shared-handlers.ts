import { Handlers } from '../src/orchestrator/handlers.ts';
import { openStore } from '../src/storage/open-store.ts';
import type { FunctionSizes } from '../src/types/function-sizes.ts';
import { capacity } from './capacity.ts';

let shared: Handlers | undefined;

/** The handlers of this sandbox, over the store of `HELIOS_STORE`; a warm sandbox keeps its browser in them. */
export function sharedHandlers(): Handlers {
  const { HELIOS_SIZES, HELIOS_LOG_GROUPS } = process.env;
  shared ??= new Handlers(openStore(), {
    capacity,
    logGroups: HELIOS_LOG_GROUPS ? (JSON.parse(HELIOS_LOG_GROUPS) as Record<string, string>) : undefined,
    sizes: HELIOS_SIZES ? (JSON.parse(HELIOS_SIZES) as FunctionSizes) : undefined,
  });
  return shared;
}
