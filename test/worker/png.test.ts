import { expect, test } from 'vitest';
import { runFfmpeg } from '../../src/utils/ffmpeg.ts';
import { RawPictures } from '../../src/worker/raw-pictures.ts';

test.each([
  [1, 1],
  [3, 2],
  [64, 40],
  [333, 77],
  // Its rows end where the module's memory does.
  [33, 517],
])('a PNG of %d × %d pixels has each of them', async (width, height) => {
  const bgra = Buffer.alloc(width * height * 4);
  for (let at = 0; at < bgra.length; at++) bgra[at] = at % 4 === 3 ? 255 : (at * at * 31 + (at >> 5)) % 256;
  const inverse = bgra.map((byte, at) => (at % 4 === 3 ? 255 : 255 - byte));
  const pictures = new RawPictures({ width, height }, 'bgra');
  const keep = async (picture: Uint8Array) => {
    pictures.read({ read: (into) => into.set(picture) });
    return pictures.keep();
  };
  const first = await keep(bgra);
  const second = await keep(inverse);
  pictures.read({ read: (into) => into.fill(0) });
  const args = ['-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'bgra', 'pipe:1'];
  const pixels = async (png: Promise<Buffer>) => runFfmpeg(args, { input: await png });
  expect((await pixels(first.png)).equals(bgra)).toBe(true);
  expect((await pixels(second.png)).equals(inverse)).toBe(true);
});
