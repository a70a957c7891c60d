import { copyFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { renderLocally } from '../orchestrator/render-locally.ts';
import { OutputFile } from '../stitcher/output-file.ts';
import type { RenderResult } from '../types/render-result.ts';
import { StitchError, ValidationError } from '../utils/errors.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { cancellable } from './cancellation.ts';
import { frameFlag } from './flag-values.ts';
import { formatBytes } from './format.ts';
import {
  addCompositionOptions,
  addPageOptions,
  addPictureOptions,
  type JobFlags,
  toRenderJob,
} from './job-options.ts';
import { codecOfOutput } from './output-codec.ts';
import { progressView } from './progress-view.ts';
import { fromHere } from './summary.ts';

interface StillFlags extends Omit<JobFlags, 'output'> {
  frame: number;
  output: string;
  json?: boolean;
  quiet?: boolean;
}

const EXAMPLES = `
Examples:
  helios-infra still ./intro --frame 90 --output poster.png
  helios-infra still ./intro --output poster.jpg --jpeg-quality 85 --scale 2
`;

/** Renders one frame as a sequence of one picture, and puts that picture in its place. */
async function renderStill(
  composition: string,
  flags: StillFlags,
  signal: AbortSignal,
): Promise<RenderResult> {
  const codec = codecOfOutput(flags.output);
  if ((codec !== 'png' && codec !== 'jpeg') || path.extname(flags.output) === '') {
    throw new ValidationError(`A still is written to .png, .jpg or .jpeg; the path is ${flags.output}`);
  }
  await using folder = await createWorkFolder('still');
  const job = await toRenderJob(composition, {
    ...flags,
    codec,
    frames: [flags.frame, flags.frame + 1],
    output: path.join(folder.path, 'pictures'),
  });
  await using output = await OutputFile.reserve(flags.output);
  using view = progressView(flags, signal);
  const result = await renderLocally(job, { signal, onProgress: (progress) => view.update(progress) });
  const [picture, ...others] = await readdir(path.dirname(result.output));
  if (picture === undefined || others.length > 0) {
    throw new StitchError(`One picture was expected, and there are ${others.length + (picture ? 1 : 0)}.`);
  }
  await copyFile(path.join(path.dirname(result.output), picture), output.partial).catch((error: unknown) => {
    throw toWriteError(error, output.target);
  });
  return { ...result, bytes: await output.commit(), output: output.target };
}

async function still(composition: string, flags: StillFlags): Promise<void> {
  const result = await cancellable((signal) => renderStill(composition, flags, signal));
  if (flags.json) process.stdout.write(`${JSON.stringify({ type: 'result', ...result })}\n`);
  else if (!flags.quiet) {
    const { output, bytes, width, height, warnings } = result;
    const text = [`✓ ${fromHere(output)}  ${formatBytes(bytes)}, frame ${flags.frame}, ${width}×${height}`];
    process.stdout.write(`${[...text, ...warnings.map((warning) => `! ${warning}`)].join('\n')}\n`);
  }
}

export function addStillCommand(program: Command): void {
  const command = program
    .command('still')
    .description('Render one frame to a PNG or JPEG file.')
    .argument('<composition>', 'a folder with an index.html, an HTML file, or a URL')
    .optionsGroup('Output:')
    .option('-f, --frame <n>', 'number of the frame, from 0', frameFlag, 0)
    .option('-o, --output <path>', 'file to write: .png, .jpg or .jpeg', 'still.png')
    .option('--id <id>', 'name of the render in the store')
    .option('--json', 'tell progress and the result as JSON lines on stdout')
    .option('-q, --quiet', 'tell errors only');
  addPageOptions(addPictureOptions(addCompositionOptions(command)))
    .addHelpText('after', EXAMPLES)
    .action(still);
}
