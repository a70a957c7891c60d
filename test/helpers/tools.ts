import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const ffmpegPath: string =
  process.env.FFMPEG_PATH ?? require.resolve('@ffmpeg-installer/linux-x64/ffmpeg');
export const ffprobePath: string =
  process.env.FFPROBE_PATH ?? require.resolve('@ffprobe-installer/linux-x64/ffprobe');

/** What a tool reads (`input`) and who takes its output as it comes (`onOutput`). */
export interface RunOptions {
  readonly input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Called with each piece of stdout; an error it throws ends the tool and is passed on. */
  readonly onOutput?: (piece: Buffer) => void;
  /** @default this process's */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. Without `onOutput` the whole stdout comes back. */
export async function runTool(
  path: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Buffer> {
  const child = spawn(path, args, {
    stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  exit.catch(() => undefined);
  const messages: Buffer[] = [];
  child.stderr?.on('data', (piece: Buffer) => messages.push(piece));
  const written = options.input && child.stdin ? feed(child.stdin, options.input) : undefined;

  const output: Buffer[] = [];
  try {
    for await (const piece of child.stdout ?? []) {
      if (options.onOutput) options.onOutput(piece);
      else output.push(piece);
    }
  } catch (error) {
    child.kill('SIGKILL');
    await exit;
    throw error;
  }
  const code = await exit;
  await written;
  if (code !== 0) {
    const text = Buffer.concat(messages).toString().trim();
    throw new Error(`${path} ended with ${code}: ${text.slice(-2000)}\n(${args.join(' ')})`);
  }
  return Buffer.concat(output);
}

/** Writes all of `input`; a tool that stops reading early is no error here, its exit code tells. */
async function feed(stdin: NodeJS.WritableStream, input: NonNullable<RunOptions['input']>): Promise<void> {
  let broken = false;
  stdin.on('error', () => {
    broken = true;
  });
  for await (const piece of input) {
    if (broken) return;
    if (!stdin.write(piece)) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          stdin.off('drain', go).off('close', go);
          resolve();
        };
        stdin.on('drain', go).on('close', go);
      });
    }
  }
  stdin.end();
}
