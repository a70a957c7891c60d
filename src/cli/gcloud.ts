import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError, DeployError, KitError } from '../utils/errors.ts';
import { errorCode } from '../utils/fs-errors.ts';

const KEPT_LINES = 40;
/** What is said while IAM does not know everywhere yet what was just made. */
const NOT_KNOWN_YET = /does not exist|PERMISSION_DENIED/;
const RETRY_SECONDS = [1, 3, 6, 10, 16, 24];

export interface GcloudOptions {
  readonly project: string;
  /** Prints the commands, and runs none. */
  readonly dryRun: boolean;
  /** Shows what gcloud says, on stderr. */
  readonly verbose: boolean;
  readonly signal: AbortSignal;
  /** Called with each command line before it runs. */
  readonly onCommand: (line: string) => void;
  /** Seconds before each further attempt of `runOnceKnown`. @default six within a minute */
  readonly retrySeconds?: readonly number[] | undefined;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly output: string;
}

/** Runs gcloud's commands in one project, and tells each. */
export class Gcloud {
  readonly #options: GcloudOptions;

  constructor(options: GcloudOptions) {
    this.#options = options;
  }

  /** @throws KitError without gcloud, DeployError with its last lines, AbortedError */
  async run(...args: readonly string[]): Promise<void> {
    const ended = await this.#spawn(args);
    if (ended && ended.status !== 0) throw failed(args, ended);
  }

  /**
   * Runs a command that needs an account or a role that was just made: IAM may take a minute to know it, and until
   * then it is run again.
   * @throws as `run`
   */
  async runOnceKnown(...args: readonly string[]): Promise<void> {
    const { signal, retrySeconds = RETRY_SECONDS } = this.#options;
    for (const seconds of retrySeconds) {
      const ended = await this.#spawn(args);
      if (!ended || ended.status === 0) return;
      if (!NOT_KNOWN_YET.test(ended.output)) throw failed(args, ended);
      await sleep(seconds * 1000, undefined, { signal }).catch(() => throwIfCancelled(signal));
    }
    await this.run(...args);
  }

  /**
   * What a command says, without blanks around it.
   * @param placeholder told instead in a dry run
   * @throws as `run`
   */
  async read(placeholder: string, ...args: readonly string[]): Promise<string> {
    const ended = await this.#spawn(args);
    if (!ended) return placeholder;
    if (ended.status !== 0) throw failed(args, ended);
    return ended.stdout.trim();
  }

  /** Runs the second command unless the first one finds what it would make. @throws as `run` */
  async ensure(describe: readonly string[], create: readonly string[]): Promise<void> {
    const ended = await this.#spawn(describe);
    if (ended?.status !== 0) await this.run(...create);
  }

  async #spawn(args: readonly string[]): Promise<Ended | undefined> {
    const { project, dryRun, verbose, signal, onCommand } = this.#options;
    const all = [...args, `--project=${project}`];
    onCommand(['gcloud', ...all].map(quoted).join(' '));
    if (dryRun) return undefined;
    const child = spawn('gcloud', [...all, '--quiet'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): void => void child.kill('SIGINT');
    signal.addEventListener('abort', end, { once: true });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (verbose) process.stderr.write(text);
      output += text;
    });
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => {
        if (errorCode(cause) !== 'ENOENT') return reject(cause);
        reject(
          new KitError('Deploying to Google Cloud needs gcloud: https://cloud.google.com/sdk/docs/install', {
            cause,
          }),
        );
      });
      child.once('close', resolve);
    }).finally(() => signal.removeEventListener('abort', end));
    throwIfCancelled(signal);
    return { status, stdout, output };
  }
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new AbortedError('The deployment was cancelled.', { cause: signal.reason });
}

function failed(args: readonly string[], { output }: Ended): DeployError {
  const command = `gcloud ${args.slice(0, 3).join(' ')}`;
  const last = output.trim().split('\n').slice(-KEPT_LINES).join('\n');
  return new DeployError(`${command} failed; its last words are below.`, {
    details: { command, output: last },
  });
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
