import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, readBytes } from '../storage/object-store.ts';
import type { KeptPicture } from '../types/frame-job.ts';
import type { PictureDifference } from '../types/seams.ts';
import { sha256 } from '../utils/digest.ts';
import { NotFoundError } from '../utils/errors.ts';
import { runFfmpeg } from '../utils/ffmpeg.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { isRoundingOf } from '../utils/rounding.ts';
import { createWorkFolder } from '../utils/work-folder.ts';

const CHANNELS = 4;

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

/** How far two PNG pictures are apart; those of two sizes differ everywhere. */
export async function comparePictures(
  one: Buffer,
  other: Buffer,
  signal?: AbortSignal,
): Promise<PictureDifference> {
  const a = await decode(one, signal);
  const b = await decode(other, signal);
  if (a.length !== b.length) return { levels: 255, pixels: Math.max(a.length, b.length) / CHANNELS };
  let levels = 0;
  let pixels = 0;
  for (let pixel = 0; pixel < a.length; pixel += CHANNELS) {
    if (a.readUInt32LE(pixel) === b.readUInt32LE(pixel)) continue;
    pixels++;
    for (let at = pixel; at < pixel + CHANNELS; at++)
      levels = Math.max(levels, Math.abs((a[at] as number) - (b[at] as number)));
  }
  return { levels, pixels };
}

/** Whether two pictures of a frame differ by no more than what Chromium rounds otherwise after another frame. */
export function isRounding(
  { levels, pixels }: PictureDifference,
  { width, height }: { readonly width: number; readonly height: number },
): boolean {
  return isRoundingOf(levels, pixels, width * height);
}
