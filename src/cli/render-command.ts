import { type Command, Option } from 'commander';
import { renderLocally } from '../orchestrator/render-locally.ts';
import { ValidationError } from '../utils/errors.ts';
import { cancellable } from './cancellation.ts';
import { readEmittedJob } from './emit-job.ts';
import { addFarmOption } from './farm-option.ts';
import {
  addBudgetOptions,
  addCompositionOptions,
  addEncodingOptions,
  addPageOptions,
  addSegmentOptions,
  type JobFlags,
  toRenderJob,
} from './job-options.ts';
import { progressView } from './progress-view.ts';
import type { FarmRenderFlags } from './render-on-farm.ts';
import { summary } from './summary.ts';

interface RenderFlags extends JobFlags, FarmRenderFlags {
  job?: string;
}

const EXAMPLES = `
Examples:
  helios-infra render ./intro --output intro.mp4
  helios-infra render https://example.com/card --width 1080 --height 1080 --fps 30 --duration 5
  helios-infra render ./lower-third --output lower-third.mov --transparent --props '{"name": "Ada"}'
  helios-infra render ./intro --frames 0-149 --output frames/%05d.png
  helios-infra render ./intro --on lambda --output intro.mp4
  helios-infra render --job job.json --output out.mp4
`;

async function render(composition: string | undefined, flags: RenderFlags): Promise<void> {
  const emitted = flags.job === undefined ? undefined : await readEmittedJob(flags.job);
  const source = composition ?? emitted?.source;
  if (source === undefined) {
    throw new ValidationError('Nothing to render: name a folder, an HTML file or a URL, or give --job.');
  }
  const { source: _, ...base } = emitted ?? { source };
  const job = await toRenderJob(source, flags, base);
  if (flags.on !== 'local') return (await import('./render-on-farm.ts')).renderOnFarm(job, flags);
  const result = await cancellable(async (signal) => {
    using view = progressView(flags, signal);
    return await renderLocally(job, {
      signal,
      concurrency: flags.concurrency,
      onProgress: (progress) => view.update(progress),
    });
  });
  if (flags.json) process.stdout.write(`${JSON.stringify({ type: 'result', ...result })}\n`);
  else if (!flags.quiet) process.stdout.write(`${summary(result)}\n`);
}

export function addRenderCommand(program: Command): void {
  const command = program
    .command('render')
    .description('Render a composition to a video, a GIF or an image sequence.')
    .argument('[composition]', 'a folder with an index.html, an HTML file, or a URL')
    .optionsGroup('Output:')
    .option(
      '-o, --output <path>',
      'file to write; for image sequences a folder or a pattern such as out/%05d.png (default: out.mp4)',
    )
    .option('--job <file>', 'read a job.json of helios render --emit-job; flags given here come first')
    .addOption(
      new Option('--on <where>', 'where to render')
        .choices(['local', 'lambda', 'cloud-run'])
        .default('local'),
    )
    .option('--id <id>', 'name of the render in the store')
    .option('--json', 'tell progress and the result as JSON lines on stdout')
    .option('-q, --quiet', 'tell errors only');
  addFarmOption(command.optionsGroup('On a farm (--on lambda, --on cloud-run):')).option(
    '--no-download',
    'leave the output in the farm’s bucket',
  );
  addPageOptions(addEncodingOptions(addCompositionOptions(addBudgetOptions(addSegmentOptions(command)))))
    .addHelpText('after', EXAMPLES)
    .action(render);
}
