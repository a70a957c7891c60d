import { styleText } from 'node:util';
import type { Command } from 'commander';
import { farmErrorOf } from '../adapters/render-failure.ts';
import { functionNames } from '../types/function-sizes.ts';
import { addFarmOption, type FarmFlags, withFarm } from './farm-option.ts';
import { countFlag } from './flag-values.ts';

interface LogsFlags extends FarmFlags {
  limit: number;
  json?: boolean;
}

async function logs(id: string, flags: LogsFlags): Promise<void> {
  await withFarm(flags, async (client) => {
    const { readLogs, segmentFirst } = await import('../adapters/render-logs.ts');
    const { startedAt } = await client.getProgress(id);
    const configs = await client.sizes();
    const logGroups = functionNames.map((name) => configs[name].logGroup);
    const failure = await farmErrorOf(client.store, id);
    const found = await readLogs({ logGroups, id, since: new Date(startedAt), limit: flags.limit });
    const lines = segmentFirst(found, failure?.segment?.index);
    if (flags.json) {
      for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
      return;
    }
    const dim = (text: string): string => styleText('dim', text, { stream: process.stdout });
    if (failure) process.stdout.write(`${failure.name}: ${failure.message}\n`);
    for (const { at, logGroup, stream, text } of lines) {
      const name = functionNames.find((one) => configs[one].logGroup === logGroup) ?? logGroup;
      process.stdout.write(`${dim(`${new Date(at).toISOString()} ${name} ${stream}`)}\n${text}\n`);
    }
    if (lines.length === 0) {
      process.stdout.write(
        `No function has logged anything of ${id} yet; lines come some seconds late. The groups are:\n${logGroups.map((group) => `  ${group}`).join('\n')}\n`,
      );
    }
  });
}

export function addLogsCommand(program: Command): void {
  addFarmOption(
    program
      .command('logs')
      .description("Show what a farm's functions logged of a render, the failed segment first."),
  )
    .argument('<id>', 'id of the render')
    .option('--limit <n>', 'lines of each function at the most', countFlag, 1000)
    .option('--json', 'JSON lines')
    .action(logs);
}
