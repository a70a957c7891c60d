/**
 * A render in a process of its own, to be killed or given another environment: takes a folder of a store and a
 * job as JSON, writes lines of JSON to stdout (`{progress}`, at last `{result}` or `{error}`).
 */
import { renderLocally } from '../../src/orchestrator/render-locally.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { HeliosError } from '../../src/utils/errors.ts';

const [store = '', job = ''] = process.argv.slice(2);
const say = (line: unknown): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  const result = await renderLocally(JSON.parse(job) as RenderJobInput, {
    store: new LocalStore(store),
    concurrency: 1,
    onProgress: (progress) => say({ progress }),
  });
  say({ result });
} catch (error) {
  say({ error: error instanceof HeliosError ? error.toJSON() : { name: 'unknown', message: String(error) } });
  process.exitCode = 1;
}
