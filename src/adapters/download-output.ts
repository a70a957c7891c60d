import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OutputFile } from '../stitcher/output-file.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { NotFoundError, ValidationError } from '../utils/errors.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { runLimited } from '../utils/run-limited.ts';

const MAX_REQUESTS = 16;

export interface DownloadedOutput {
  /** The file, or the pattern of a sequence. */
  readonly output: string;
  readonly bytes: number;
}

/**
 * Writes a render's output to this machine, whole or not at all.
 * @param outputPath a file; for a sequence a folder, or a pattern with `%d` or `%0Nd`
 * @throws NotFoundError, ValidationError, OutputError, OutputBusyError, DiskFullError, AbortedError
 */
export async function downloadOutput(
  store: ObjectStore,
  id: string,
  outputPath: string,
  signal?: AbortSignal,
): Promise<DownloadedOutput> {
  const stored = `renders/${id}/output`;
  const wanted = path.extname(outputPath).toLowerCase();
  const all: string[] = [];
  for await (const { key } of store.list(stored)) all.push(key);
  // One id may have been rendered to files of several kinds.
  const kinds = [
    all.filter((key) => key === `${stored}${wanted}`),
    all.filter((key) => key.startsWith(`${stored}/`)),
  ];
  const found = kinds.find((keys) => keys.length > 0) ?? all;
  const [first] = found;
  if (first === undefined) {
    throw new NotFoundError(`The render ${id} has no output in ${store.url}.`, { details: { id } });
  }
  const extension = path.extname(first);
  const sequence = first.startsWith(`${stored}/`) ? extension.slice(1) : undefined;
  if (wanted !== extension && !(sequence !== undefined && wanted === '')) {
    throw new ValidationError(
      `The output of ${id} is ${extension}; the path is ${outputPath}. Give --output with that ending.`,
      { details: { id, extension } },
    );
  }
  await using output = await OutputFile.reserve(outputPath, sequence);
  await runLimited(found, MAX_REQUESTS, signal, async (key) => {
    const frame = Number(path.basename(key, extension));
    const file = sequence === undefined ? output.partial : numbered(output.partial, frame);
    const target = createWriteStream(file);
    await pipeline(await store.get(key), target, signal ? { signal } : {}).catch((error: unknown) => {
      throw toWriteError(error, file);
    });
  });
  return { bytes: await output.commit(), output: output.target };
}

/** The file of a pattern such as `out/%05d.png`. */
function numbered(pattern: string, frame: number): string {
  const name = path
    .basename(pattern)
    .replace(/%0?(\d*)d/, (_, width: string) => String(frame).padStart(Number(width), '0'));
  return path.join(path.dirname(pattern), name);
}
