import { downloadOutput } from '../adapters/download-output.ts';
import type { RenderJobInput } from '../types/render-job.ts';
import { cancellable } from './cancellation.ts';
import { followMending } from './follow-mending.ts';
import type { FollowFlags } from './follow-render.ts';
import { summary } from './summary.ts';
import { commandFor, withRenders } from './where-option.ts';

export interface FarmRenderFlags extends FollowFlags {
  concurrency?: number;
  download: boolean;
}

/** Renders a job on a farm and brings its output here. */
export async function renderOnFarm(job: RenderJobInput, flags: FarmRenderFlags): Promise<void> {
  const { json, quiet } = flags;
  const { id, outputPath } = job;
  await withRenders(flags, async (client) => {
    const { started, status, execution } = await client.startRender(job, { capacity: flags.concurrency });
    if (json) tell({ type: 'started', id, farm: flags.farm, execution, started, status });
    else if (!quiet)
      process.stderr.write(
        started ? `Rendering ${id} on the farm ${flags.farm}\n` : `${id} was started before: ${status}\n`,
      );
    const result = await followMending(client, job, flags);
    const local = flags.download
      ? await cancellable((signal) => downloadOutput(client.store, id, outputPath, signal))
      : {};
    const final = { ...result, ...local };
    if (json) tell({ type: 'result', ...final });
    else if (!quiet) {
      process.stdout.write(`${summary(final)}\n`);
      if (!flags.download)
        process.stdout.write(
          `  ${commandFor('download', id, flags)} --output ${outputPath} brings it here\n`,
        );
    }
  });
}

function tell(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
