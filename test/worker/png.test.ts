import { expect, test } from 'vitest';
import { runFfmpeg } from '../../src/utils/ffmpeg.ts';
import { encodePng } from '../../src/worker/png.ts';

test.each([
  [1, 1],
  [3, 2],
  [64, 40],
  [333, 77],
])('a PNG of %d × %d pixels has each of them', async (width, height) => {
  const bgra = Buffer.alloc(width * height * 4);
  for (let at = 0; at < bgra.length; at++) bgra[at] = at % 4 === 3 ? 255 : (at * at * 31 + (at >> 5)) % 256;
  const picture = Buffer.from(bgra);
  const making = encodePng(bgra, { width, height });
  bgra.fill(0);
  const args = ['-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'bgra', 'pipe:1'];
  expect((await runFfmpeg(args, { input: await making })).equals(picture)).toBe(true);
});
