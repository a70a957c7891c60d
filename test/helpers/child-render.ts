import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import type { RenderProgress, RenderResult } from '../../src/types/render-result.ts';

const ownScript = fileURLToPath(new URL('./render-child.ts', import.meta.url));

export interface ChildOutcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly result?: RenderResult;
  readonly error?: { name: string; message: string; details: Record<string, unknown> };
  readonly stderr: string;
}

export interface ChildRender {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<ChildOutcome>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Runs this program with Node and its arguments behind `args`. @default Node itself */
  readonly wrapper?: readonly string[];
  /** render-child.ts, or a bundle of it. @default the one in this folder */
  readonly script?: string;
  /** Segments at the same time. @default 1 */
  readonly concurrency?: number;
  /** Lambda's function that renders the segments. @default none: the process does */
  readonly functionName?: string;
  readonly onProgress?: (progress: RenderProgress) => void;
}

/** Starts a render in a process of its own. */
export function startChildRender(
  store: string,
  job: RenderJobInput,
  { env = {}, wrapper = [], script = ownScript, onProgress, ...rest }: ChildOptions = {},
): ChildRender {
  const input = [store, JSON.stringify(job), JSON.stringify(rest)];
  const [command = '', ...args] = [...wrapper, process.execPath, script, ...input];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  let last: Pick<ChildOutcome, 'result' | 'error'> = {};
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as { progress?: RenderProgress } & typeof last;
    if (line.progress) onProgress?.(line.progress);
    else last = line;
  });
  const ended = new Promise<ChildOutcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      process.off('exit', kill);
      resolve({ status, signal, stderr, ...last });
    });
  });
  return { child, pid: child.pid ?? 0, ended };
}
