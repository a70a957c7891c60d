import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { imageEnv, imageFolder } from './image-folder.ts';

/** Of Debian's `nobody`. */
const NOBODY = 65_534;

const IS_ROOT = process.getuid?.() === 0;

/** Whether a program can be given a root file system that nobody writes to. */
export const canMountReadOnly =
  IS_ROOT && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

/** Runs a program as `nobody`, with all but its home read-only. */
const READ_ONLY = `mount --bind "$HOME" "$HOME" && mount -o remount,ro,bind / &&
  exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups "$@"`;

/** A program of the image at work. */
export interface RunningProgram {
  readonly pid: number;
  /** Its home and temporary folder. */
  readonly home: string;
  /** Each line of its log, as it comes. */
  readonly lines: readonly Record<string, unknown>[];
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Settles with the first line that fits. */
  line(message: RegExp): Promise<Record<string, unknown>>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * The programs of the image at work: as `nobody` where the tests run as root, each with a home and a temporary folder
 * of its own; all else belongs to root.
 */
export class TestImage implements AsyncDisposable {
  readonly #folder: string;
  readonly #homes: string;
  readonly #running = new Set<RunningProgram>();
  #started = 0;

  private constructor(folder: string, homes: string) {
    this.#folder = folder;
    this.#homes = homes;
  }

  static async open(): Promise<TestImage> {
    const homes = await mkdtemp(path.join(tmpdir(), 'helios-homes-'));
    await chmod(homes, 0o755);
    return new TestImage(await imageFolder(), homes);
  }

  /**
   * Starts a program with an environment that has nothing of this process's.
   * @param readOnlyRoot whether it can write to its temporary folder alone, where `canMountReadOnly`
   */
  async start(
    program: 'server' | 'job',
    env: Readonly<Record<string, string>>,
    readOnlyRoot = false,
  ): Promise<RunningProgram> {
    const home = path.join(this.#homes, String(++this.#started));
    await mkdir(home, { mode: 0o777 });
    await chmod(home, 0o777);
    const line = [path.join(this.#folder, 'node'), path.join(this.#folder, 'app', program, 'index.mjs')];
    const wrapper = readOnlyRoot ? ['unshare', '-m', 'sh', '-c', READ_ONLY, 'sh'] : [];
    const [command = '', ...args] = [...wrapper, ...line];
    const child = spawn(command, args, {
      cwd: '/',
      env: { ...imageEnv(this.#folder, home), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(IS_ROOT && !readOnlyRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    const lines: Record<string, unknown>[] = [];
    const waiting = new Set<() => void>();
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
      for (const look of waiting) look();
    });
    const ended = new Promise<Awaited<RunningProgram['ended']>>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve({ status, signal }));
    });
    const running: RunningProgram = {
      pid: child.pid ?? 0,
      home,
      lines,
      ended,
      line: (message) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            const found = lines.find((line) => message.test(String(line.message)));
            if (found) resolve(found);
          };
          waiting.add(look);
          look();
          void ended.then(() => reject(new Error(`it ended before ${message}: ${JSON.stringify(lines)}`)));
        }),
      kill: (signal) => void child.kill(signal),
    };
    this.#running.add(running);
    void ended.then(() => this.#running.delete(running));
    return running;
  }

  /** Starts the server. @returns it, and its address */
  async serve(
    env: Readonly<Record<string, string>>,
    readOnlyRoot = false,
  ): Promise<{ readonly server: RunningProgram; readonly url: string }> {
    const server = await this.start('server', { HOST: '127.0.0.1', PORT: '0', ...env }, readOnlyRoot);
    const listening = await server.line(/^listening$/);
    return { server, url: `http://127.0.0.1:${listening.port}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#running];
    for (const program of left) program.kill('SIGTERM');
    const timer = setTimeout(() => {
      for (const program of left) program.kill('SIGKILL');
    }, 5_000);
    await Promise.all(left.map(({ ended }) => ended));
    clearTimeout(timer);
    await rm(this.#homes, { recursive: true, force: true, maxRetries: 3 });
  }
}
