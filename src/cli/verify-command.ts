import { styleText } from 'node:util';
import type { Command } from 'commander';
import { farmStore, findFarm } from '../adapters/farm.ts';
import { verifyRender } from '../orchestrator/verify.ts';
import { cancellable } from './cancellation.ts';
import { countFlag } from './flag-values.ts';
import { count } from './format.ts';

interface VerifyFlags {
  frames?: number;
  farm?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  helios-infra verify intro
  helios-infra verify intro --frames 50 --json
  helios-infra verify intro --farm default
`;

async function verify(id: string, { frames, farm, json }: VerifyFlags): Promise<void> {
  const store = farm === undefined ? undefined : farmStore(await findFarm(farm));
  const seen = await cancellable((signal) => verifyRender(id, { store, frames, signal }));
  if (json) {
    process.stdout.write(`${JSON.stringify({ type: 'verified', ...seen })}\n`);
    return;
  }
  const tick = styleText('green', '✓', { stream: process.stdout });
  const looked = count(seen.frames.length, 'frame');
  process.stdout.write(
    `${tick} ${id}: ${looked} rendered again; ${seen.matched} the same bit for bit, ${seen.rounded} but for a rounding\n`,
  );
}

export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description('Render some frames of a finished render again, and compare them with its record.')
    .argument('<id>', 'id of the render')
    .option('--frames <n>', 'how many; up to half of them where segments meet (default: 12)', countFlag)
    .option('--farm <name>', "look into a farm's store (default: that of HELIOS_STORE)")
    .option('--json', 'tell it as JSON')
    .addHelpText('after', EXAMPLES)
    .action(verify);
}
