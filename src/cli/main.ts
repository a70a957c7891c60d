#!/usr/bin/env node
import module from 'node:module';
import path from 'node:path';
import { Command } from 'commander';
import { VersionMismatchError } from '../utils/errors.ts';
import { packageVersion } from '../utils/package-version.ts';
import { cacheFolder } from '../utils/paths.ts';
import { isAtLeast, OLDEST_NODE } from './node-version.ts';
import { reportError } from './report-error.ts';

type AddCommand = (program: Command) => void;

const farmRenders = async () => (await import('./farm-render-commands.ts')).addFarmRenderCommands;

/** What adds each command, in the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  render: async () => (await import('./render-command.ts')).addRenderCommand,
  still: async () => (await import('./still-command.ts')).addStillCommand,
  inspect: async () => (await import('./inspect-command.ts')).addInspectCommand,
  verify: async () => (await import('./verify-command.ts')).addVerifyCommand,
  doctor: async () => (await import('./doctor-command.ts')).addDoctorCommand,
  deploy: async () => (await import('./deploy-command.ts')).addDeployCommand,
  destroy: async () => (await import('./destroy-command.ts')).addDestroyCommand,
  status: farmRenders,
  watch: farmRenders,
  cancel: farmRenders,
  resume: farmRenders,
  download: farmRenders,
  logs: async () => (await import('./logs-command.ts')).addLogsCommand,
  estimate: async () => (await import('./estimate-command.ts')).addEstimateCommand,
  quota: async () => (await import('./quota-command.ts')).addQuotaCommand,
  bundle: async () => (await import('./bundle-command.ts')).addBundleCommand,
  cache: async () => (await import('./cache-command.ts')).addCacheCommand,
};

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

/** @param named loads this command alone, if there is one of the name */
async function createProgram(named = ''): Promise<Command> {
  const program = new Command('helios-infra')
    .description('Renders web pages to video, frame by frame.')
    .version(packageVersion(), '-V, --version')
    .showHelpAfterError('(add --help for all flags and examples)')
    .exitOverride()
    .addHelpText('after', MORE);
  const loaders = Object.hasOwn(COMMANDS, named) ? [COMMANDS[named]] : new Set(Object.values(COMMANDS));
  for (const load of loaders) (await load?.())?.(program);
  return program;
}

/** Before commands are loaded, which an old Node can't. @throws VersionMismatchError */
function checkNode(): void {
  const { node } = process.versions;
  if (isAtLeast(node, OLDEST_NODE)) return;
  throw new VersionMismatchError(`Node.js ${node} is too old. Install ${OLDEST_NODE} or newer.`);
}

async function main(): Promise<void> {
  // Node 20 has none.
  module.enableCompileCache?.(path.join(cacheFolder(), 'code'));
  for (const stream of [process.stdout, process.stderr]) {
    // A reader that went away (`| head`) must not end a render.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  try {
    checkNode();
    await (await createProgram(process.argv[2])).parseAsync();
  } catch (error) {
    process.exitCode = reportError(error, process.argv.includes('--json'));
  }
  process.exit();
}

await main();
