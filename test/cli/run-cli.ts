import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const main = path.join(repository, 'dist/cli/main.js');

export const fixture = (name: string): string => path.join(repository, 'test/fixtures', name);

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The objects on stdout, when it is JSON lines. */
  readonly lines: () => Record<string, unknown>[];
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Settles once stdout has a line that contains `text`. */
  waitFor(text: string): Promise<void>;
}

/** The command with a store and a temporary folder of its own, in a folder. */
export class Cli {
  readonly folder: string;
  readonly temp: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(folder: string, temp: string) {
    this.folder = folder;
    this.temp = temp;
    this.#env = { HELIOS_STORE: path.join(folder, 'store'), TMPDIR: temp };
  }

  /** Starts it as a process group of its own. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: this.folder,
      env: { ...process.env, ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let onOutput = (): void => {};
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => {
        const lines = (): Record<string, unknown>[] =>
          stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Record<string, unknown>);
        resolve({ status, stdout, stderr, lines });
      });
    });
    const waitFor = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        onOutput = () => {
          if (stdout.includes(text)) resolve();
        };
        onOutput();
        ended.then((end) => reject(new Error(`it ended before ${text}: ${end.stderr}`)), reject);
      });
    return { child, ended, waitFor };
  }

  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
    return this.start(args, env).ended;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }
}

/** Command lines of running processes that name a temporary folder of a process. */
export async function processesOf(pid: number): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`helios-infra-${pid}-`)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}
