import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { FarmClient, RenderCost } from '../adapters/farm-client.ts';
import { type Cost, prices } from '../orchestrator/cost.ts';
import { estimateCost, type FarmEstimate } from '../orchestrator/estimate.ts';
import { assumed } from '../orchestrator/farm-times.ts';
import { parseJob, referenceTo } from '../orchestrator/job-orchestrator.ts';
import { planJob } from '../orchestrator/plan.ts';
import { openStore } from '../storage/open-store.ts';
import { defaultSizes } from '../types/function-sizes.ts';
import { idSchema, type RenderJobInput } from '../types/render-job.ts';
import { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import { cancellable } from './cancellation.ts';
import { addFarmOption, type FarmFlags, withFarm } from './farm-option.ts';
import { countFlag } from './flag-values.ts';
import { count, formatClock, formatMs, formatUsd } from './format.ts';
import {
  addCompositionOptions,
  addEncodingOptions,
  addPageOptions,
  addSegmentOptions,
  type JobFlags,
  toRenderJob,
} from './job-options.ts';

interface EstimateFlags extends JobFlags, FarmFlags {
  on: 'local' | 'lambda';
  parallel?: number;
  json?: boolean;
}

/** Segments at the same time when the farm is not asked. */
const PARALLEL = 1000;

const EXAMPLES = `
Examples:
  helios-infra estimate ./intro --parallel 200
  helios-infra estimate ./intro --on lambda
  helios-infra estimate render-mdk3x1-1f2e3d4c
`;

function costRows({ functions, stateMachine, storage, total }: Cost): string[] {
  const parts = [...Object.entries(functions), ['state machine', stateMachine], ['S3 requests', storage]];
  const rows = [...parts, ['total', total]].map(
    ([name, usd]) => `  ${String(name).padEnd(14)} ${formatUsd(usd as number)}`,
  );
  return rows.filter((row) => !row.endsWith('$0.0000') || row.includes('total'));
}

function before({
  frames,
  segments,
  segmentsFound,
  parallel,
  seconds,
  cost,
  assumptions,
}: FarmEstimate): string {
  return [
    `${count(frames, 'frame')} in ${count(segments, 'segment')} (${segmentsFound} in the store), ${parallel} at the same time: about ${formatClock(seconds)}, ${formatUsd(cost.total)}`,
    ...costRows(cost),
    'Taken for granted:',
    ...assumptions.map((text) => `  ${text}`),
  ].join('\n');
}

function after({ id, status, functions, sizes, transitions, cost }: RenderCost): string {
  const uses = Object.entries(functions)
    .filter(([, { count: calls }]) => calls > 0)
    .map(([name, { count: calls, ms }]) => {
      const { memory } = sizes[name as keyof typeof sizes];
      return `  ${name.padEnd(14)} ${count(calls, 'invocation')}, ${formatMs(ms)} of ${memory} MB`;
    });
  return [
    `${id} (${status}) cost about ${formatUsd(cost.total)} at list prices of ${prices.region}, ${prices.date}`,
    ...costRows(cost),
    'For:',
    ...uses,
    `  ${'state machine'.padEnd(14)} ${count(transitions, 'transition')}`,
  ].join('\n');
}

async function planHere(job: RenderJobInput, parallel: number): Promise<FarmEstimate> {
  return cancellable(async (signal) => {
    const store = openStore();
    await using worker = new ChromiumFrameWorker(store, { ownMachine: true });
    const parsed = parseJob(job);
    const ref = await referenceTo(parsed.composition.source, store);
    const plan = await planJob(parsed, { ref, worker, capacity: parallel, signal });
    return estimateCost(plan, defaultSizes, parallel, { slowdown: assumed.slowness });
  });
}

async function planThere(client: FarmClient, job: RenderJobInput, parallel?: number): Promise<FarmEstimate> {
  const plan = await client.planRender(job, { capacity: parallel });
  return estimateCost(plan, await client.sizes(), plan.maxParallel);
}

async function estimate(target: string, flags: EstimateFlags): Promise<void> {
  const isId = idSchema.safeParse(target).success && !existsSync(target);
  const tell = <T>(value: T, text: (value: T) => string): void =>
    void process.stdout.write(`${flags.json ? JSON.stringify(value) : text(value)}\n`);
  if (isId) return withFarm(flags, async (client) => tell(await client.getCost(target), after));
  const job = await toRenderJob(target, flags);
  if (flags.on === 'local') return tell(await planHere(job, flags.parallel ?? PARALLEL), before);
  return withFarm(flags, async (client) => tell(await planThere(client, job, flags.parallel), before));
}

export function addEstimateCommand(program: Command): void {
  const command = program
    .command('estimate')
    .description('Tell what a render on a farm would take and cost, or what one did cost.')
    .argument('<composition or id>', 'a composition as for render, or the id of a render')
    .addOption(
      new Option('--on <where>', 'where to measure: here, or by the farm’s plan function')
        .choices(['local', 'lambda'])
        .default('local'),
    )
    .option('--parallel <n>', 'segments at the same time', countFlag)
    .option('--json', 'tell it as JSON');
  addFarmOption(command);
  addPageOptions(addEncodingOptions(addCompositionOptions(addSegmentOptions(command))))
    .addHelpText('after', EXAMPLES)
    .action(estimate);
}
