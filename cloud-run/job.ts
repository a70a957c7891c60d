/** The orchestrator as a Cloud Run Job: renders the job that `HELIOS_RENDER` names. */
import { openStore } from '../src/storage/open-store.ts';
import { HeliosError } from '../src/utils/errors.ts';
import { log } from './log.ts';
import { renderStoredJob } from './render-stored-job.ts';
import { readJobSettings } from './settings.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => stop.abort(new Error(signal)));

try {
  const { id, execution, ...service } = readJobSettings(process.env);
  log('INFO', `rendering ${id}`, { render: id, execution });
  const result = await renderStoredJob({ store: openStore(), id, execution, service, signal: stop.signal });
  log('INFO', `${id} is done`, { render: id, result });
  process.exit(0);
} catch (error) {
  const told = error instanceof HeliosError ? error.toJSON() : String((error as Error).stack ?? error);
  log('ERROR', `failed: ${(error as Error).message}`, { render: process.env.HELIOS_RENDER, error: told });
  process.exit(1);
}
