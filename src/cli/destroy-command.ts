import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { farmStore } from '../adapters/farm.ts';
import { functionNames } from '../types/function-sizes.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { cancellable } from './cancellation.ts';
import { runCdk } from './cdk-process.ts';
import { contextOf } from './deploy-command.ts';
import { addFarmOption, type FarmFlags } from './farm-option.ts';
import { count } from './format.ts';

interface DestroyFlags extends FarmFlags {
  deleteOutputs?: boolean;
  context: string[];
  verbose?: boolean;
}

/** The CDK asks for the code and layers of what it takes down, whatever is in them. */
async function standInAssets(folder: string): Promise<void> {
  const parts = [
    ...functionNames.map((name) => ['functions', name]),
    ...['chromium', 'fonts', 'ffmpeg'].map((name) => ['layers', name]),
  ];
  for (const part of parts) {
    const place = path.join(folder, ...part);
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, 'index.mjs'), '');
  }
}

async function destroy(flags: DestroyFlags): Promise<void> {
  const { farm: name, deleteOutputs = false, verbose = false } = flags;
  const { findStandingFarm } = await import('../adapters/standing-farm.ts');
  const farm = await findStandingFarm(name);
  const { region } = farm;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const deleteStack = () =>
    cancellable(async (signal) => {
      say(`Taking down the farm ${name} in ${region}`);
      await using assets = await createWorkFolder('assets');
      await standInAssets(assets.path);
      const context = { ...contextOf(flags.context), farm: name, assets: assets.path };
      await runCdk(['destroy', '--all', '--force'], { context, region, verbose, signal });
    });
  const { takeDown } = await import('../adapters/take-down.ts');
  const { objects, bucketGone } = await takeDown(farm, { deleteOutputs, deleteStack, say });
  const place = farmStore(farm).url;
  if (objects === undefined) {
    process.stdout.write(`✓ The farm ${name} is gone. Its outputs stay in ${place}\n`);
    return;
  }
  process.stdout.write(
    `✓ The farm ${name} is gone, and ${count(objects, 'object')} of ${place}${bucketGone ? ' with the bucket' : '; the bucket is not the farm’s own, and stays'}\n`,
  );
}

export function addDestroyCommand(program: Command): void {
  const collect = (value: string, before: string[]): string[] => [...before, value];
  addFarmOption(
    program.command('destroy').description('Take a farm out of the AWS account; the outputs stay.'),
  )
    .option('--delete-outputs', 'delete everything that it stored, the outputs too')
    .option('-c, --context <name=value>', 'the settings that it was deployed with', collect, [])
    .option('-v, --verbose', 'show what the CDK says')
    .action(destroy);
}
