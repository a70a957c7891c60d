import type { Command } from 'commander';
import { createBundle } from '../storage/bundle.ts';
import { addFarmOption, type FarmFlags, withFarm } from './farm-option.ts';
import { count, formatBytes } from './format.ts';
import { compositionSource } from './job-options.ts';

async function bundle(folder: string, flags: FarmFlags & { json?: boolean }): Promise<void> {
  await withFarm(flags, async ({ store, farm }) => {
    const { digest, entry, manifest, sent } = await createBundle(store, compositionSource(folder));
    const files = Object.values(manifest.files);
    const total = files.reduce((sum, { size }) => sum + size, 0);
    const fresh = files.filter(({ sha256 }) => sent.has(sha256));
    const sentBytes = [...new Map(fresh.map(({ sha256, size }) => [sha256, size])).values()].reduce(
      (a, b) => a + b,
      0,
    );
    if (flags.json) {
      const told = { digest, entry, files: files.length, bytes: total, sent: fresh.length, sentBytes };
      process.stdout.write(`${JSON.stringify(told)}\n`);
      return;
    }
    process.stdout.write(
      `✓ ${count(files.length, 'file')}, ${formatBytes(total)}, in the farm ${farm.name}: ${fresh.length} sent (${formatBytes(sentBytes)}), ${files.length - fresh.length} there already\n  bundle ${digest}, page ${entry}\n`,
    );
  });
}

export function addBundleCommand(program: Command): void {
  addFarmOption(
    program
      .command('bundle')
      .description("Put a composition's files into a farm's store; those that are there are not sent."),
  )
    .argument('<composition>', 'a folder with an index.html, or an HTML file')
    .option('--json', 'tell it as JSON')
    .action(bundle);
}
