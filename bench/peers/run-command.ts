import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { ProcessTree } from './process-tree.ts';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Beside the bench's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** @default half an hour */
  readonly limitSeconds?: number;
}

export interface Cost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

const LOOK_MS = 200;
const LIMIT_SECONDS = 1800;
const KEPT_CHARACTERS = 4000;

/** The line that says most: an error's, else the last one. */
function reasonOf(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return (lines.find((line) => /error|failed|cannot/i.test(line)) ?? lines.at(-1) ?? 'it says nothing').slice(
    0,
    200,
  );
}

/**
 * Runs a command to its end and watches all that it starts.
 * @throws Error with one line of its output when it fails, or takes too long
 */
export function runCommand({ file, args, env, cwd, limitSeconds = LIMIT_SECONDS }: Command): Promise<Cost> {
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      cwd,
    });
    child.on('error', reject);
    if (child.pid === undefined) return;
    const tree = new ProcessTree(child.pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT_CHARACTERS);
      });
    const timer = setInterval(() => tree.look(), LOOK_MS);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      tree.kill();
    }, limitSeconds * 1000);
    let wallMs = 0;
    child.on('exit', () => {
      wallMs = performance.now() - since;
      clearInterval(timer);
      clearTimeout(limit);
    });
    child.on('close', (code) => {
      const cost = { wallSeconds: wallMs / 1000, cpuSeconds: tree.cpuMs / 1000, peakBytes: tree.peakBytes };
      tree.kill();
      if (code === 0) resolve(cost);
      else if (late) reject(new Error(`not done after ${limitSeconds} s`));
      else reject(new Error(`exit status ${code}: ${reasonOf(output)}`));
    });
  });
}
