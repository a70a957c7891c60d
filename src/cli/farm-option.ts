import type { Command } from 'commander';
import { DEFAULT_FARM, findFarm } from '../adapters/farm.ts';
import { FarmClient } from '../adapters/farm-client.ts';

export interface FarmFlags {
  farm: string;
}

export function addFarmOption(command: Command): Command {
  return command.option(
    '--farm <name>',
    'the farm, in the region and account of AWS_REGION, AWS_PROFILE …',
    DEFAULT_FARM,
  );
}

/** Finds the farm and works with it. */
export async function withFarm<T>({ farm }: FarmFlags, work: (client: FarmClient) => Promise<T>): Promise<T> {
  using client = await FarmClient.open(await findFarm(farm));
  return await work(client);
}

/** How a person goes on with a render: `helios-infra watch ID`, with the farm's name where it needs one. */
export function commandFor(verb: string, id: string, { farm }: FarmFlags): string {
  return `helios-infra ${verb} ${id}${farm === DEFAULT_FARM ? '' : ` --farm ${farm}`}`;
}
