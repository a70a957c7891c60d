/**
 * A render in a process of its own, to be killed or given another environment: takes the address of a store, a
 * job and `{concurrency, functionName}` as JSON, writes lines of JSON to stdout (`{progress}`, at last `{result}`
 * or `{error}`). With a function's name, that function renders the segments.
 */
import { LambdaAdapter } from '../../src/adapters/lambda-adapter.ts';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { JobOrchestrator } from '../../src/orchestrator/job-orchestrator.ts';
import { openStore } from '../../src/storage/open-store.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { HeliosError } from '../../src/utils/errors.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';

const [url, job = '', options = '{}'] = process.argv.slice(2);
const { concurrency = 1, functionName } = JSON.parse(options) as {
  concurrency?: number;
  functionName?: string;
};
const say = (line: unknown): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  await using worker = new ChromiumFrameWorker(openStore(url));
  const adapter = functionName
    ? new LambdaAdapter({ functionName, concurrency })
    : new LocalAdapter({ concurrency });
  const result = await new JobOrchestrator(worker, adapter).run(JSON.parse(job) as RenderJobInput, {
    onProgress: (progress) => say({ progress }),
  });
  say({ result });
} catch (error) {
  say({ error: error instanceof HeliosError ? error.toJSON() : { name: 'unknown', message: String(error) } });
  process.exitCode = 1;
}
