import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, readBytes } from '../storage/object-store.ts';
import type { KeptPicture } from '../types/frame-job.ts';
import type { PictureDifference } from '../types/seams.ts';
import { sha256 } from '../utils/digest.ts';
import { NotFoundError } from '../utils/errors.ts';
import { runFfmpeg } from '../utils/ffmpeg.ts';
import { toWriteError } from '../utils/fs-errors.ts';
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

/** How far two JPEG or PNG pictures are apart; those of two sizes differ everywhere. */
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
  for (let at = 0; at < a.length; at += CHANNELS) {
    let most = 0;
    for (let channel = at; channel < at + CHANNELS; channel++)
      most = Math.max(most, Math.abs((a[channel] as number) - (b[channel] as number)));
    if (most > 0) pixels++;
    levels = Math.max(levels, most);
  }
  return { levels, pixels };
}
export function isRounding(_d: PictureDifference): boolean {
  return false;
}
