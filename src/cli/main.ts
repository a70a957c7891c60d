#!/usr/bin/env node
import { Command } from 'commander';
import { KitError } from '../utils/errors.ts';
import { packageVersion } from '../utils/package-version.ts';
import { addBundleCommand } from './bundle-command.ts';
import { addCacheCommand } from './cache-command.ts';
import { addDeployCommand } from './deploy-command.ts';
import { addDestroyCommand } from './destroy-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addEstimateCommand } from './estimate-command.ts';
import { addFarmRenderCommands } from './farm-render-commands.ts';
import { addInspectCommand } from './inspect-command.ts';
import { addLogsCommand } from './logs-command.ts';
import { isAtLeast, OLDEST_NODE } from './node-version.ts';
import { addQuotaCommand } from './quota-command.ts';
import { addRenderCommand } from './render-command.ts';
import { reportError } from './report-error.ts';
import { addStillCommand } from './still-command.ts';
import { addVerifyCommand } from './verify-command.ts';

const MORE = `
Examples:
  helios-infra doctor
  helios-infra inspect ./intro
  helios-infra render ./intro --output intro.mp4
  helios-infra still ./intro --frame 90 --output poster.png
  helios-infra deploy
  helios-infra render ./intro --on lambda --output intro.mp4
  helios-infra deploy --to gcp --region europe-west1
  helios-infra render ./intro --on cloud-run --output intro.mp4

helios-infra <command> --help tells all flags of a command.

Environment:
  HELIOS_STORE   store: a folder, s3://bucket/prefix or gs://bucket/prefix (default: store in ~/.cache/helios-infra)
  FFMPEG_PATH    another FFmpeg
  CHROMIUM_PATH  another Chromium
  TMPDIR         folder for temporary files
  HELIOS_DEBUG   1 shows the stack of an error

Exit status: 0 when the output is whole, 1 when something failed, 2 for wrong usage, 130 after Ctrl+C.
`;

function createProgram(): Command {
  const program = new Command('helios-infra')
    .description('Renders web pages to video, frame by frame.')
    .version(packageVersion(), '-V, --version')
    .showHelpAfterError('(add --help for all flags and examples)')
    .exitOverride()
    .addHelpText('after', MORE)
    .hook('preAction', (_, command) => {
      const { node } = process.versions;
      if (command.name() === 'doctor' || isAtLeast(node, OLDEST_NODE)) return;
      throw new KitError(`Node.js ${node} is too old. Install ${OLDEST_NODE} or newer.`);
    });
  addRenderCommand(program);
  addStillCommand(program);
  addInspectCommand(program);
  addVerifyCommand(program);
  addDoctorCommand(program);
  addDeployCommand(program);
  addDestroyCommand(program);
  addFarmRenderCommands(program);
  addLogsCommand(program);
  addEstimateCommand(program);
  addQuotaCommand(program);
  addBundleCommand(program);
  addCacheCommand(program);
  return program;
}

async function main(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that went away (`| head`) must not end a render.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  try {
    await createProgram().parseAsync();
  } catch (error) {
    process.exitCode = reportError(error, process.argv.includes('--json'));
  }
  process.exit();
}

await main();
