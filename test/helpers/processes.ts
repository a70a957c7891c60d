import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** Its process group: a browser has one of its own, with all that it starts. */
  readonly group: number;
  /** Its arguments, joined by blanks. */
  readonly command: string;
}

/** All processes of this machine but the dead ones that nobody has waited for. */
export async function listProcesses(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid): Promise<RunningProcess | undefined> => {
      const [status, command] = await Promise.all([
        readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      ]);
      const parent = /^PPid:\s+(\d+)/m.exec(status)?.[1];
      if (parent === undefined || /^State:\s+[ZX]/m.test(status)) return undefined;
      const group = Number(/^NSpgid:\s+(\d+)/m.exec(status)?.[1]);
      return {
        pid: Number(pid),
        parent: Number(parent),
        group,
        command: command.replaceAll('\0', ' ').trim(),
      };
    }),
  );
  return found.filter((process) => process !== undefined);
}

/** The ids of the processes that one has started, and those that they have. */
export function descendantsOf(pid: number, all: readonly RunningProcess[]): Set<number> {
  const below = new Set([pid]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const { pid: child, parent } of all) if (below.has(parent)) below.add(child);
  }
  below.delete(pid);
  return below;
}

/** The browsers and encoders of a process: below it, or adopted by another but at work in its folders. */
export async function toolsOf(pid = process.pid): Promise<RunningProcess[]> {
  const all = await listProcesses();
  const below = descendantsOf(pid, all);
  return all.filter(
    (process) =>
      process.pid !== pid &&
      (process.command.includes(`helios-infra-${pid}-`) ||
        (below.has(process.pid) && /chrom|ffmpeg/i.test(process.command))),
  );
}

/** Temporary folders of a process. */
export async function workFoldersOf(pid = process.pid): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(`helios-infra-${pid}-`));
}

/** Calls until something comes back. */
export async function until<T>(
  what: string,
  find: () => Promise<T | undefined> | T | undefined,
  withinMs = 60_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms for ${what}`);
    await sleep(10);
  }
}

/** Waits until nothing of a process runs; an error names what still does. */
export async function untilNoTools(pid = process.pid, withinMs = 3_000): Promise<void> {
  let left: RunningProcess[] = [];
  await until(
    'the end of all browsers and encoders',
    async () => {
      left = await toolsOf(pid);
      return left.length === 0 ? true : undefined;
    },
    withinMs,
  ).catch((error: unknown) => {
    throw new Error(left.map(({ pid: id, command }) => `${id} ${command.slice(0, 200)}`).join('\n'), {
      cause: error,
    });
  });
}

/** The process of a render that fits, as soon as it is there. */
export function untilTool(pattern: RegExp, pid = process.pid): Promise<RunningProcess> {
  return until(`a process like ${pattern}`, async () =>
    (await toolsOf(pid)).find(({ command }) => pattern.test(command)),
  );
}

/** Commands of the processes of a render. */
export const toolPatterns = {
  browser: /chromium (?!.*--type=)/,
  renderer: /chromium .*--type=renderer/,
  gpu: /chromium .*--type=gpu-process/,
  zygote: /chromium .*--type=zygote/,
  segmentEncoder: /ffmpeg .*-f matroska .*-segment-/,
} as const;
