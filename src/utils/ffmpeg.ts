import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { onAbort, throwIfAborted } from './abort.ts';
import { DiskFullError, EncoderError, KitError } from './errors.ts';
import { layerKit } from './layer-kit.ts';

const STDERR_LINES = 40;
/**
 * Lets the C library keep what FFmpeg gives back, of which it takes as much again for the next picture. Else each raw
 * picture of 1080p is up to 760 page faults: half of FFmpeg's time on a machine where they are dear. The first is the
 * greatest value that glibc takes (HEAP_MAX_SIZE / 2); the second has to fit an int, which older ones read it as. See
 * mallopt(3).
 */
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: String(2 ** 25), MALLOC_TRIM_THRESHOLD_: String(2 ** 30) };

/**
 * The FFmpeg of the npm package.
 * @throws KitError when the package is missing
 */
export function packagedFfmpeg(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('@ffmpeg-installer/linux-x64/package.json');
    return path.join(path.dirname(manifest), 'ffmpeg');
  } catch (cause) {
    throw new KitError('FFmpeg is missing: install @ffmpeg-installer/linux-x64, or set FFMPEG_PATH.', {
      cause,
    });
  }
}

/** The FFmpeg in use: `FFMPEG_PATH`, else the one of the layer in `HELIOS_KIT`, else the one of the npm package. */
export function ffmpegPath(): string {
  const kit = layerKit();
  return process.env.FFMPEG_PATH || (kit ? path.join(kit, 'ffmpeg', 'ffmpeg') : packagedFfmpeg());
}

/** FFmpeg's own names of how it deals with the times of frames. */
export type FramePacing = 'passthrough' | 'vfr';

const told = new Map<string, Promise<string>>();

/** What the FFmpeg in use says of itself and its libraries. */
export function describeFfmpeg(): Promise<string> {
  const executable = ffmpegPath();
  let description = told.get(executable);
  if (!description) {
    description = runFfmpeg(['-version']).then((text) => text.toString('utf8'));
    description.catch(() => told.delete(executable));
    told.set(executable, description);
  }
  return description;
}

/** The option is `-fps_mode` since FFmpeg 5.1, which has libavcodec 59.37; the older name is gone in version 9. */
export async function pacingArgs(pacing: FramePacing): Promise<string[]> {
  const [, major = 0, minor = 0] = (/libavcodec +(\d+)\. *(\d+)/.exec(await describeFfmpeg()) ?? []).map(
    Number,
  );
  return [major > 59 || (major === 59 && minor >= 37) ? '-fps_mode' : '-vsync', pacing];
}

/** A running FFmpeg. */
export interface FfmpegProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process has ended; rejects with `EncoderError`, `DiskFullError`, `KitError` or `AbortedError`. */
  readonly done: Promise<void>;
  readonly pid: number | undefined;
  kill(): void;
}

export interface FfmpegOptions {
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string;
}

function failure(code: number | null, killedBy: string | null, stderr: string): Error {
  const details = { exitCode: code, signal: killedBy, stderr };
  if (/No space left on device/.test(stderr)) {
    return new DiskFullError(
      'FFmpeg had no space left to write to. Free some space, or set TMPDIR to a larger disk.',
      { details },
    );
  }
  const how = killedBy ? `was killed by ${killedBy}` : `ended with status ${code}`;
  const last = stderr.trim().split('\n').at(-1);
  return new EncoderError(`FFmpeg ${how}${last ? `: ${last}` : ''}`, { details });
}

/**
 * Starts FFmpeg with a closed environment: no credentials, no banner, no questions. Its stdin and stdout are
 * pipes. The reason of a failure is taken from its last lines on stderr.
 */
export function startFfmpeg(args: readonly string[], options: FfmpegOptions = {}): FfmpegProcess {
  throwIfAborted(options.signal);
  const executable = ffmpegPath();
  const child: ChildProcess = spawn(
    executable,
    ['-hide_banner', '-loglevel', 'error', '-nostats', '-y', ...args],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '', LANG: 'C', ...KEEP_MEMORY },
      cwd: options.cwd,
    },
  );
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new KitError('FFmpeg could not be given pipes.');
  let lines: string[] = [];
  stderr.setEncoding('utf8').on('data', (text: string) => {
    lines = [...lines, ...text.split('\n').filter(Boolean)].slice(-STDERR_LINES);
  });
  stdin.on('error', () => {});
  const done = new Promise<void>((resolve, reject) => {
    const off = onAbort(options.signal, () => child.kill('SIGKILL'));
    child.on('error', (cause) => {
      off();
      reject(new KitError(`FFmpeg does not start (${executable}). Check FFMPEG_PATH.`, { cause }));
    });
    child.on('close', (code, killedBy) => {
      off();
      if (code === 0) resolve();
      else {
        try {
          throwIfAborted(options.signal);
          reject(failure(code, killedBy, lines.join('\n')));
        } catch (aborted) {
          reject(aborted);
        }
      }
    });
  });
  done.catch(() => {});
  return { stdin, stdout, done, pid: child.pid, kill: () => child.kill('SIGKILL') };
}

/**
 * Runs FFmpeg to its end and returns what it wrote to stdout.
 * @param options.input what it reads on stdin; @default nothing
 */
export async function runFfmpeg(
  args: readonly string[],
  { input, ...options }: FfmpegOptions & { readonly input?: Uint8Array } = {},
): Promise<Buffer> {
  const process = startFfmpeg(args, options);
  process.stdin.end(input);
  const chunks: Buffer[] = [];
  process.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await process.done;
  return Buffer.concat(chunks);
}
