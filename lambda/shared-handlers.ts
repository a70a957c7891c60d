import { Handlers } from '../src/orchestrator/handlers.ts';
import { openStore } from '../src/storage/open-store.ts';

let shared: Handlers | undefined;

/** The handlers of this sandbox, over the store of `HELIOS_STORE`; a warm sandbox keeps its browser in them. */
export function sharedHandlers(): Handlers {
  shared ??= new Handlers(openStore());
  return shared;
}
