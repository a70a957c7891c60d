import type { Command } from 'commander';
import { parallelSegments } from '../orchestrator/parallel-segments.ts';
import { addFarmOption, type FarmFlags, withFarm } from './farm-option.ts';
import { quotaRequest } from './lambda-quota.ts';

/** What a new account has; AWS raises it by itself with use. */
const SMALL = 100;

async function quota(flags: FarmFlags & { json?: boolean }): Promise<void> {
  await withFarm(flags, async ({ farm, functions }) => {
    const { account, unreserved } = await functions.quota();
    const reserved = await functions.reserved(farm.functions.render);
    const { maxParallel } = farm;
    const parallel = parallelSegments({ maxParallel, reserved, unreserved });
    if (flags.json) {
      process.stdout.write(
        `${JSON.stringify({ account, unreserved, reserved: reserved ?? null, maxParallel, parallel })}\n`,
      );
      return;
    }
    const text = [
      `The account may run ${account} functions at the same time in ${farm.region ?? 'this region'}, ${unreserved} of them without a reservation.`,
      reserved === undefined
        ? `A render works on at most ${parallel} segments at the same time${parallel === maxParallel ? ', the farm’s maxParallel' : ''}, less what else runs in the account.`
        : `${reserved} are reserved for this farm's render function, and a render works on at most ${parallel} segments at the same time.`,
    ];
    if (parallel < SMALL) {
      text.push(
        'More segments wait for their turn: a render is slower for it, and does not fail.',
        `To ask for more: ${quotaRequest}.`,
      );
    }
    process.stdout.write(`${text.join('\n')}\n`);
  });
}

export function addQuotaCommand(program: Command): void {
  addFarmOption(
    program
      .command('quota')
      .description('Tell how many functions may run at the same time, and what it means.'),
  )
    .option('--json', 'tell it as JSON')
    .action(quota);
}
