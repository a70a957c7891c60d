import { open } from 'node:fs/promises';
import path from 'node:path';
import { freeBytes } from '../utils/disk-space.ts';
import { DiskFullError, StitchError } from '../utils/errors.ts';

/** The last bytes of a whole file. */
const ENDINGS: Readonly<Record<string, Buffer>> = {
  '.png': Buffer.from([0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]),
  '.jpg': Buffer.from([0xff, 0xd9]),
  '.jpeg': Buffer.from([0xff, 0xd9]),
  '.gif': Buffer.from([0x3b]),
};
const FULL_BYTES = 256 * 1024;

async function isWhole(file: string): Promise<boolean> {
  const ending = ENDINGS[path.extname(file).toLowerCase()];
  if (!ending) return true;
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(ending.length),
      position: Math.max(0, size - ending.length),
    });
    return bytesRead === ending.length && buffer.equals(ending);
  } catch {
    return false;
  }
}

/**
 * Checks that every picture of a sequence (or a GIF) is there and whole: FFmpeg ends without an error although
 * it could not write all of one.
 * @param pattern a file, or a pattern with `%d` or `%0Nd`
 * @throws DiskFullError, StitchError
 */
export async function checkPictures(pattern: string, frames: number): Promise<void> {
  const name = path.basename(pattern);
  const folder = path.dirname(pattern);
  const count = /%\d*d/.test(name) ? frames : 1;
  for (let frame = 0; frame < count; frame++) {
    const file = path.join(
      folder,
      name.replace(/%(\d*)d/, (_, width: string) => String(frame).padStart(Number(width), '0')),
    );
    if (await isWhole(file)) continue;
    if ((await freeBytes(folder)) < FULL_BYTES) {
      throw new DiskFullError(
        `No space was left to write picture ${frame} into ${folder}. Free some space, or choose another place.`,
        { details: { frame, file } },
      );
    }
    throw new StitchError(`Picture ${frame} was not written whole.`, { details: { frame, file } });
  }
}
