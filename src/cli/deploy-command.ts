import { type Command, Option } from 'commander';
import { buildLayers } from '../../layers/build.ts';
import { farmParameter, farmStore, findFarm, readParameter } from '../adapters/farm.ts';
import { ValidationError } from '../utils/errors.ts';
import { cancellable } from './cancellation.ts';
import { runCdk } from './cdk-process.ts';
import { deployToGcp } from './deploy-to-gcp.ts';
import { addFarmOption, type FarmFlags } from './farm-option.ts';
import { countFlag } from './flag-values.ts';

interface DeployFlags extends FarmFlags {
  to: 'aws' | 'gcp';
  project?: string;
  region?: string;
  dryRun?: boolean;
  maxParallel?: number;
  jobCpu?: number;
  jobMemory?: number;
  jobTemp?: number;
  context: string[];
  verbose?: boolean;
  json?: boolean;
}

/** Written by `cdk bootstrap`. */
const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';

const EXAMPLES = `
Examples:
  helios-infra deploy
  helios-infra deploy --to gcp --region europe-west1 --dry-run
  helios-infra deploy --farm films --max-parallel 200 -c segmentDays=7 -c bucket=my-films
`;

export function contextOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^(\w+)=(.*)$/s.exec(pair) ?? [];
      if (name === undefined || value === undefined)
        throw new ValidationError(`-c takes name=value, such as -c segmentDays=7; given was ${pair}`);
      return [name, value];
    }),
  );
}

async function deploy(flags: DeployFlags): Promise<void> {
  if (flags.to === 'gcp') return deployOnGcp(flags);
  if (flags.dryRun) throw new ValidationError('--dry-run goes with --to gcp. On AWS: npx cdk diff');
  const { farm, maxParallel, verbose = false } = flags;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const context: Record<string, string> = {
    ...contextOf(flags.context),
    farm,
    ...(maxParallel === undefined ? {} : { maxParallel: String(maxParallel) }),
  };
  await cancellable(async (signal) => {
    farmParameter(farm);
    // The first request tells whether region and credentials are good, before anything is built.
    const { region, text: bootstrapped } = await readParameter(BOOTSTRAP);
    if (context.assets === undefined) {
      say('Building the layers (Chromium, FFmpeg, fonts)');
      await buildLayers();
    }
    const options = { context, region, verbose, signal };
    if (bootstrapped === undefined) {
      say(`Preparing ${region} for the CDK (cdk bootstrap)`);
      await runCdk(['bootstrap'], options);
    }
    say(`Deploying the farm ${farm} to ${region}: some minutes the first time`);
    await runCdk(['deploy', '--all', '--require-approval', 'never'], options);
  });
  const found = await findFarm(farm);
  if (flags.json) process.stdout.write(`${JSON.stringify({ type: 'deployed', ...found })}\n`);
  else {
    const name = farm === 'default' ? '' : ` --farm ${farm}`;
    process.stdout.write(
      `✓ The farm ${farm} is in ${found.region}, its outputs in ${farmStore(found).url}\n  helios-infra render ./my-composition --on lambda${name} --output out.mp4\n`,
    );
  }
}

async function deployOnGcp(flags: DeployFlags): Promise<void> {
  const { farm, project, region, maxParallel, verbose = false, dryRun = false, json } = flags;
  const jobSize = { cpu: flags.jobCpu, memory: flags.jobMemory, temp: flags.jobTemp };
  if (region === undefined)
    throw new ValidationError('--region says where on Google Cloud the farm will be, such as europe-west1.');
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const found = await cancellable((signal) =>
    deployToGcp({ farm, project, region, maxParallel, jobSize, dryRun, verbose, signal, say }),
  );
  if (json) process.stdout.write(`${JSON.stringify({ type: dryRun ? 'planned' : 'deployed', ...found })}\n`);
  else if (!dryRun) {
    const name = farm === 'default' ? '' : ` --farm ${farm}`;
    process.stdout.write(
      `✓ The farm ${farm} is in ${found.region}, its outputs in gs://${found.bucket}\n  helios-infra render ./my-composition --on cloud-run${name} --output out.mp4\n`,
    );
  }
}

export function addDeployCommand(program: Command): void {
  const collect = (value: string, before: string[]): string[] => [...before, value];
  addFarmOption(
    program
      .command('deploy')
      .description('Put a farm into an AWS account or a Google Cloud project, or bring it up to date.'),
  )
    .addOption(new Option('--to <cloud>', 'the cloud').choices(['aws', 'gcp']).default('aws'))
    .option(
      '--max-parallel <n>',
      'segments at the same time at the most (default: 1000; gcp: 100)',
      countFlag,
    )
    .option('--region <region>', 'with --to gcp: where, such as europe-west1')
    .option('--project <id>', 'with --to gcp: the project (default: of the credentials)')
    .option(
      '--job-memory <gib>',
      'with --to gcp: memory of the job that joins segments (default: 8)',
      countFlag,
    )
    .option('--job-cpu <n>', 'with --to gcp: its cores (default: 2, or what its memory needs)', countFlag)
    .option(
      '--job-temp <gib>',
      'with --to gcp: memory for its files (default: --job-memory less 3)',
      countFlag,
    )
    .option('--dry-run', 'with --to gcp: print the commands, and run none')
    .option('-c, --context <name=value>', 'a setting of docs/deploy.md; may be given often', collect, [])
    .option('-v, --verbose', 'show what the CDK says')
    .option('--json', 'tell the farm as JSON')
    .addHelpText('after', EXAMPLES)
    .action(deploy);
}
