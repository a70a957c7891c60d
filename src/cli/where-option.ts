import { type Command, Option } from 'commander';
import { DEFAULT_FARM } from '../adapters/farm.ts';
import { findGcpFarm } from '../adapters/gcp-farm.ts';
import type { RenderClient } from '../adapters/render-client.ts';
import { addFarmOption, type FarmFlags, withFarm } from './farm-option.ts';

export interface WhereFlags extends FarmFlags {
  on: 'local' | 'lambda' | 'cloud-run';
}

/** Adds `--on` and `--farm` to a command about a render on a farm. */
export function addWhereOption(command: Command): Command {
  return addFarmOption(command).addOption(
    new Option('--on <where>', 'the cloud that the farm is in')
      .choices(['lambda', 'cloud-run'])
      .default('lambda'),
  );
}

/** Finds the farm, in AWS or on Google Cloud, and works with its renders. */
export async function withRenders<T>(
  flags: WhereFlags,
  work: (client: RenderClient) => Promise<T>,
): Promise<T> {
  if (flags.on !== 'cloud-run') return withFarm(flags, work);
  const { GcpFarmClient } = await import('../adapters/gcp-farm-client.ts');
  using client = new GcpFarmClient(await findGcpFarm(flags.farm));
  return await work(client);
}

/** How a person goes on with a render: `helios-infra watch ID`, with what tells its farm where it is needed. */
export function commandFor(verb: string, id: string, { farm, on }: WhereFlags): string {
  const where = on === 'cloud-run' ? ' --on cloud-run' : '';
  return `helios-infra ${verb} ${id}${where}${farm === DEFAULT_FARM ? '' : ` --farm ${farm}`}`;
}
