import type { Command } from 'commander';
import { DEFAULT_FARM, findFarm } from '../adapters/farm.ts';
import { FarmClient } from '../adapters/farm-client.ts';

export interface FarmFlags {
  farm: string;
}

export function addFarmOption(command: Command): Command {
  return command.option(
    '--farm <name>',
    'the farm, in the region and account of AWS_REGION, AWS_PROFILE …, or in GOOGLE_CLOUD_PROJECT',
    DEFAULT_FARM,
  );
}

/** Finds the farm and works with it. */
export async function withFarm<T>({ farm }: FarmFlags, work: (client: FarmClient) => Promise<T>): Promise<T> {
  using client = await FarmClient.open(await findFarm(farm));
  return await work(client);
}
