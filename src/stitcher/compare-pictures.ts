import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, readBytes } from '../storage/object-store.ts';
import type { KeptPicture } from '../types/frame-job.ts';
import type { Screenshot } from '../types/screenshot.ts';
import type { PictureDifference } from '../types/seams.ts';
import { sha256 } from '../utils/digest.ts';
import { NotFoundError } from '../utils/errors.ts';
import { runFfmpeg } from '../utils/ffmpeg.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { createWorkFolder } from '../utils/work-folder.ts';

const CHANNELS = 4;
const PNG_LEVELS = 2;
/** Steps of a JPEG of quality 90: coarser ones would let another picture pass for a rounding. */
const MAX_SCALE = 20;
/** Side of the blocks that a JPEG is made of, in pixels. */
const BLOCK = 8;

/** What is known when one of two pictures is missing. */
export const NO_PICTURE: PictureDifference = { levels: null, blockLevels: null, pixels: null };

/** The bytes of a picture that a worker kept; `undefined` when the store has lost or damaged it. */
export async function readPicture(store: ObjectStore, picture: KeptPicture): Promise<Buffer | undefined> {
  try {
    const bytes = await readBytes(store, picture.key);
    return sha256(bytes) === picture.sha256 ? bytes : undefined;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

/** Its pixels as RGBA. */
async function decode(picture: Buffer, signal: AbortSignal | undefined): Promise<Buffer> {
  await using folder = await createWorkFolder('picture');
  const file = path.join(folder.path, 'picture');
  await writeFile(file, picture).catch((error: unknown) => {
    throw toWriteError(error, file);
  });
  const input = ['-protocol_whitelist', 'file', '-i', file, '-frames:v', '1'];
  return await runFfmpeg(
    [...input, '-protocol_whitelist', 'pipe', '-f', 'rawvideo', '-pix_fmt', 'rgba', 'pipe:1'],
    { signal },
  );
}

/**
 * How far two JPEG or PNG pictures are apart; those of two sizes differ everywhere.
 * @param width of both, in pixels
 */
export async function comparePictures(
  one: Buffer,
  other: Buffer,
  width: number,
  signal?: AbortSignal,
): Promise<PictureDifference> {
  const a = await decode(one, signal);
  const b = await decode(other, signal);
  if (a.length !== b.length)
    return { levels: 255, blockLevels: 255, pixels: Math.max(a.length, b.length) / CHANNELS };
  const stride = width * CHANNELS;
  const columns = Math.ceil(width / BLOCK) * CHANNELS;
  let sums = new Int32Array(columns);
  let levels = 0;
  let blockSum = 0;
  let pixels = 0;
  for (let start = 0, row = 0; start < a.length; start += stride, row++) {
    if (row % BLOCK === 0) sums = new Int32Array(columns);
    for (let at = 0; at < stride; at += CHANNELS) {
      if (a.readUInt32LE(start + at) === b.readUInt32LE(start + at)) continue;
      pixels++;
      const block = Math.floor(at / CHANNELS / BLOCK) * CHANNELS;
      for (let channel = 0; channel < CHANNELS; channel++) {
        const off = (a[start + at + channel] as number) - (b[start + at + channel] as number);
        levels = Math.max(levels, Math.abs(off));
        const sum = (sums[block + channel] as number) + off;
        sums[block + channel] = sum;
      }
    }
    if ((row + 1) % BLOCK === 0 || start + stride >= a.length)
      for (const sum of sums) blockSum = Math.max(blockSum, Math.abs(sum));
  }
  return { levels, blockLevels: blockSum / BLOCK ** 2, pixels };
}

/**
 * Whether two pictures of a frame differ by no more than what Chromium rounds otherwise after another frame: a level
 * here and there. In a JPEG that moves a coefficient by a step of its quantization, which shows in single pixels of
 * a block and next to nothing in its mean.
 */
export function isRounding(
  { levels, blockLevels }: PictureDifference,
  { format, quality = 0 }: Screenshot,
): boolean {
  if (levels === null || blockLevels === null) return false;
  if (format === 'png') return levels <= PNG_LEVELS;
  // What the JPEG library multiplies its steps with, in percent.
  const scale = Math.min(MAX_SCALE, quality < 50 ? 5000 / Math.max(1, quality) : 200 - 2 * quality);
  return levels <= Math.max(PNG_LEVELS, 2 * scale) && blockLevels <= Math.max(1, scale / 5);
}
