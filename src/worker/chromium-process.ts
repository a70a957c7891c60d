import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { DevTools } from './devtools.ts';

const running = new Set<ChromiumProcess>();

function killAll(): void {
  for (const chromium of running) chromium.kill();
}

/** A Chromium that leads a process group, and the pipe to it. It does not outlive this process's orderly end. */
export class ChromiumProcess {
  readonly devTools: DevTools;
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    const [, , , output, input] = child.stdio;
    this.devTools = new DevTools(output as Writable, input as Readable);
    if (running.size === 0) process.on('exit', killAll);
    running.add(this);
    this.exited = new Promise((resolve) => {
      child.once('exit', () => {
        running.delete(this);
        if (running.size === 0) process.off('exit', killAll);
        resolve();
      });
    });
  }

  /** @throws the system's error when the program can not be started */
  static async start(
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<ChromiumProcess> {
    const child = spawn(file, args, {
      detached: true,
      env,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
    return new ChromiumProcess(child, child.pid);
  }

  /** Ends it and all that it started at once. */
  kill(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }
}
