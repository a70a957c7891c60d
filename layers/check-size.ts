import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { LayersTooLargeError } from '../src/utils/errors.ts';
import type { Layer } from './layer.ts';
import { folderBytes } from './tree.ts';

/** What a function and its layers may take unpacked, in bytes; Lambda's own limit is 250 MB. */
export const UNPACKED_LIMIT = 240e6;

/** Bytes of the largest bundle in a folder with one folder a function; 0 when there is none yet. */
export async function largestFunction(functions: string): Promise<number> {
  const entries = await readdir(functions, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const sizes = await Promise.all(folders.map((name) => folderBytes(path.join(functions, name))));
  return Math.max(0, ...sizes);
}

/**
 * Checks that the largest function and all layers fit together.
 * @param functionBytes of the largest function
 * @returns their bytes
 * @throws LayersTooLargeError
 */
export function checkSize(
  layers: readonly Pick<Layer, 'name' | 'bytes'>[],
  functionBytes: number,
  limit = UNPACKED_LIMIT,
): number {
  const bytes = layers.reduce((sum, layer) => sum + layer.bytes, functionBytes);
  if (bytes < limit) return bytes;
  const megabytes = (value: number): string => `${(value / 1e6).toFixed(1)} MB`;
  const parts = layers.map((layer) => `${layer.name} ${megabytes(layer.bytes)}`);
  throw new LayersTooLargeError(
    `The largest function and its layers unpack to ${megabytes(bytes)}, and ${megabytes(limit)} is the limit: ${parts.join(', ')}, function ${megabytes(functionBytes)}. A minimal FFmpeg (npm run layer:ffmpeg) takes the least.`,
    { details: { bytes, limit } },
  );
}
