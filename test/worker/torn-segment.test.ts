import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodingSchema } from '../../src/types/encoding.ts';
import { freeBytes } from '../../src/utils/disk-space.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { Encoder } from '../../src/worker/encoder.ts';
import { ffmpegPath } from '../helpers/tools.ts';

vi.mock('../../src/utils/disk-space.ts', () => ({ freeBytes: vi.fn() }));

const size = { width: 64, height: 48 };
const bytes = Buffer.alloc(size.width * size.height * 1.5, 90);
const before = process.env.FFMPEG_PATH;

let folder: WorkFolder;
beforeEach(async () => {
  folder = await createWorkFolder('torn-segment');
});
afterEach(async () => {
  if (before === undefined) delete process.env.FFMPEG_PATH;
  else process.env.FFMPEG_PATH = before;
  await folder[Symbol.asyncDispose]();
});

async function still(frames: number): Promise<Encoder> {
  const file = path.join(folder.path, 'segment.mp4');
  const encoding = encodingSchema.parse({});
  const encoder = await Encoder.open({ encoding, fps: 30, pictures: 'i420', size, pictureSize: size, file });
  await encoder.write({ format: 'i420', bytes, digest: 'still' });
  for (let frame = 1; frame < frames; frame++) await encoder.write(undefined);
  return encoder;
}

// The FFmpeg of 2018 ends well when the last of its file finds no room.
test.each([
  [2 ** 16, 'DiskFullError', /No space is left to write .*segment\.mp4/],
  [2 ** 40, 'EncoderError', /another H.264 than was asked of it.*FFMPEG_PATH/],
])('a file without its end, and %i bytes left on the disk: %s', async (free, name, message) => {
  const torn = path.join(folder.path, 'ffmpeg');
  await writeFile(
    torn,
    `#!/bin/sh\n${ffmpegPath} "$@"; code=$?\nfor file; do :; done\n[ -f "$file" ] && truncate -s -200 "$file"\nexit $code\n`,
  );
  await chmod(torn, 0o755);
  process.env.FFMPEG_PATH = torn;
  vi.mocked(freeBytes).mockResolvedValue(free);
  const encoder = await still(100);
  await expect(encoder.finish()).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test('aborted while its gaps are filled, it leaves nothing at work', async () => {
  const encoder = await still(60_000);
  const finished = encoder.finish();
  finished.catch(() => {});
  let filling = false;
  while (!filling) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    filling = (await readdir(folder.path)).includes('segment.mp4.filled');
  }
  await encoder.abort();
  await expect(finished).rejects.toMatchObject({ name: 'AbortedError' });
  const written = async () => (await stat(path.join(folder.path, 'segment.mp4.filled'))).size;
  const bytesLeft = await written();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await written()).toBe(bytesLeft);
  expect(await readdir(folder.path)).toEqual(['segment.mp4', 'segment.mp4.filled']);
});
