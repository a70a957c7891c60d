import { styleText } from 'node:util';
import { CommanderError } from 'commander';
import { FrameRangeError, HeliosError, ValidationError } from '../utils/errors.ts';
import { CancelledError } from './cancellation.ts';

const FAILED = 1;
const MISUSED = 2;

/** What a flag of this command can do about an error, by the error's name. */
const HINTS: Readonly<Record<string, string>> = {
  AssetError: 'To render without it: --on-asset-error warn',
  BlockedRequestError: 'To render without it: --on-asset-error warn',
  FrameTimeoutError: 'To allow more time: --timeout SECONDS',
  BudgetError: 'To allow more: --max-time DURATION, --max-cost USD',
  KitError: 'To see what is missing: helios-infra doctor',
  SeamMismatchError: 'To take the video as it is: --on-seam-mismatch warn',
  FarmNotFoundError: 'To render here: leave --on out',
  CaptureStalledError: 'To take pictures the slow way: --capture screenshot',
};

/** Details that the message tells already, or that say nothing to a person. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['issues', 'exitCode', 'signal']);
const MAX_LINES = 8;

function lines(value: unknown): string[] {
  const text =
    typeof value === 'string'
      ? value
      : Array.isArray(value) && value.every((item) => typeof item !== 'object')
        ? value.join(', ')
        : JSON.stringify(value);
  return (text ?? '').split('\n').slice(-MAX_LINES);
}

function causeOf(error: Error): string | undefined {
  if (error.cause === undefined) return undefined;
  return String(error.cause instanceof Error ? error.cause.message : error.cause).split('\n')[0];
}

function describe(error: Error): string[] {
  const paint = (format: 'red' | 'dim', text: string): string =>
    styleText(format, text, { stream: process.stderr });
  const known = error instanceof HeliosError;
  const text = [`${paint('red', `✗ ${error.name}:`)} ${error.message}`];
  for (const [name, value] of Object.entries(known ? error.details : {})) {
    if (value === undefined || NOT_SHOWN.has(name)) continue;
    const [first = '', ...rest] = lines(value);
    text.push(`  ${paint('dim', `${name}:`)} ${first}`, ...rest.map((line) => `    ${line}`));
  }
  const cause = causeOf(error);
  if (cause) text.push(`  ${paint('dim', 'cause:')} ${cause}`);
  const hint = HINTS[error.name];
  if (hint) text.push(`  ${hint}`);
  if (known && error.details.record !== undefined) {
    const { id, record } = error.details;
    const onCloudRun = String(record).startsWith('gs://');
    const where = onCloudRun ? ' --on cloud-run' : '';
    text.push(
      onCloudRun
        ? `  To see more: gcloud logging read 'jsonPayload.render="${id}"'`
        : `  To see more: helios-infra logs ${id}`,
    );
    // The same job has the same budget.
    text.push(
      error.name === 'BudgetError'
        ? '  To go on:    render again with a larger budget and another --id'
        : `  To go on:    helios-infra resume ${id}${where}`,
    );
  }
  if (process.env.HELIOS_DEBUG === '1') text.push(error.stack ?? '');
  else if (!known) text.push('  This should not happen. HELIOS_DEBUG=1 shows where it did.');
  return text;
}

function exitStatusOf(error: unknown): number {
  if (error instanceof CancelledError) return error.exitStatus;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
  const misuse = error instanceof ValidationError || error instanceof FrameRangeError;
  return misuse ? MISUSED : FAILED;
}

/**
 * Tells an error on stderr, and with `json` as the last line of stdout.
 * @returns the exit status: 2 for wrong usage, 130 or 143 for a cancelled command, else 1
 */
export function reportError(thrown: unknown, json: boolean): number {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const exitStatus = exitStatusOf(error);
  if (exitStatus === 0) return exitStatus;
  if (error instanceof CancelledError) process.stderr.write(`${error.notice}\n`);
  else if (!(error instanceof CommanderError)) process.stderr.write(`${describe(error).join('\n')}\n`);
  if (json) {
    const { name, message } = error;
    const details = error instanceof HeliosError ? error.details : {};
    process.stdout.write(`${JSON.stringify({ type: 'error', name, message, details })}\n`);
  }
  return exitStatus;
}
