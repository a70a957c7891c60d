import { type Command, Option } from 'commander';
import { downloadOutput } from '../adapters/download-output.ts';
import type { RenderClient } from '../adapters/render-client.ts';
import { cancellable } from './cancellation.ts';
import { followRender } from './follow-render.ts';
import { formatBytes } from './format.ts';
import { plainLine } from './progress-line.ts';
import { fromHere, summary } from './summary.ts';
import { addWhereOption, commandFor, type WhereFlags, withRenders } from './where-option.ts';

interface Flags extends WhereFlags {
  json?: boolean;
  quiet?: boolean;
}

function tell({ json, quiet }: Flags, value: object, text: string): void {
  if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
  else if (!quiet) process.stdout.write(`${text}\n`);
}

async function status(client: RenderClient, id: string, flags: Flags): Promise<void> {
  const progress = await client.getProgress(id);
  const ended = progress.status !== 'running';
  const result = progress.status === 'succeeded' ? await client.getResult(id) : undefined;
  const error = ended && !result ? await client.getResult(id).then(() => undefined, toJson) : undefined;
  const text = [`${id} (${progress.execution}): ${progress.status}`, plainLine(progress)];
  if (result) text.push(summary(result));
  if (error) {
    text.push(`${error.name}: ${error.message}`);
    for (const [name, value] of Object.entries(error.details)) text.push(`  ${name}: ${String(value)}`);
  }
  tell(
    flags,
    { type: 'status', ...progress, ...(result ? { result } : {}), ...(error ? { error } : {}) },
    text.join('\n'),
  );
}

function toJson(error: unknown): { name: string; message: string; details: Record<string, unknown> } {
  if (!(error instanceof Error)) throw error;
  const { name, message } = error;
  return { name, message, details: { ...(error as { details?: Record<string, unknown> }).details } };
}

async function watch(client: RenderClient, id: string, flags: Flags): Promise<void> {
  const result = await followRender(client, id, flags);
  const more = `  ${commandFor('download', id, flags)} brings it here`;
  tell(flags, { type: 'result', ...result }, `${summary(result)}\n${more}`);
}

async function cancel(client: RenderClient, id: string, flags: Flags): Promise<void> {
  const state = await client.cancelRender(id);
  const text =
    state === 'cancelled'
      ? `Cancelled ${id}. Its segments stay; go on with: ${commandFor('resume', id, flags)}`
      : `${id} had ended before: ${state}`;
  tell(flags, { type: 'cancelled', id, status: state }, text);
}

async function resume(client: RenderClient, id: string, flags: Flags & { wait: boolean }): Promise<void> {
  const started = await client.resumeRender(id);
  if (!started.started && started.status !== 'running') {
    tell(flags, { type: 'started', ...started }, `${id} is done; there is nothing to resume.`);
    return;
  }
  if (flags.json) tell(flags, { type: 'started', ...started }, '');
  if (flags.wait) return watch(client, id, flags);
  if (!flags.json)
    tell(flags, started, `Resumed as ${started.execution}. ${commandFor('watch', id, flags)} shows it.`);
}

async function download(client: RenderClient, id: string, flags: Flags & { output?: string }): Promise<void> {
  const result = await client.getResult(id);
  const ending = /\.\w+$/.exec(result.output)?.[0] ?? '';
  const place = flags.output ?? `${id}${ending}`;
  const got = await cancellable((signal) => downloadOutput(client.store, id, place, signal));
  tell(flags, { type: 'downloaded', id, ...got }, `✓ ${fromHere(got.output)}  ${formatBytes(got.bytes)}`);
}

/** `status`, `watch`, `cancel`, `resume` and `download`: what is done with a render on a farm. */
export function addFarmRenderCommands(program: Command): void {
  const add = <T extends Flags>(
    name: string,
    description: string,
    run: (client: RenderClient, id: string, flags: T) => Promise<void>,
  ): Command =>
    addWhereOption(program.command(name).description(description))
      .argument('<id>', 'id of the render')
      .option('--json', 'tell it as JSON')
      .action((id: string, flags: T) => withRenders(flags, (client) => run(client, id, flags)));
  add('status', 'Tell how far a render on a farm is, and why it failed.', status);
  add('watch', 'Show a render on a farm until it ends.', watch).option('-q, --quiet', 'tell errors only');
  add('cancel', 'Stop a render on a farm.', cancel);
  add('resume', 'Go on with a render that failed or was cancelled; finished segments are kept.', resume)
    .addOption(new Option('--no-wait', 'start it and leave'))
    .option('-q, --quiet', 'tell errors only');
  add('download', "Bring a render's output here.", download).option(
    '-o, --output <path>',
    'file to write; for image sequences a folder or a pattern (default: the id with its ending)',
  );
}
