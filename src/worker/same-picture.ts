import { runFfmpeg } from '../utils/ffmpeg.ts';

/** Side of the blocks that are compared by their means, in pixels: those that a JPEG is made of. */
const BLOCK = 8;
/**
 * How far a block's mean may be off, in levels, at quality 100, and how much further for each point below: about twice
 * what `test/worker/same-picture.test.ts` sees.
 */
const LEVELS = 12;
const LEVELS_PER_QUALITY = 0.4;
const FROM_PICTURE = ['-protocol_whitelist', 'pipe', '-f', 'image2pipe', '-i', 'pipe:0', '-frames:v', '1'];
const EXACT = 'accurate_rnd+full_chroma_int+full_chroma_inp';

/**
 * Means of a picture's blocks in luma and chroma, in which a JPEG is written: on the way back to RGB, saturated details
 * are cut off.
 */
function blockMeans(picture: Buffer): Promise<Buffer> {
  const planes = `scale=out_color_matrix=bt601:out_range=pc:flags=${EXACT},format=yuv444p`;
  const blocks = `scale=ceil(iw/${BLOCK}):ceil(ih/${BLOCK}):flags=area+${EXACT}`;
  return runFfmpeg([...FROM_PICTURE, '-vf', `${planes},${blocks}`, '-f', 'rawvideo', 'pipe:1'], {
    input: picture,
  });
}

/**
 * Whether a JPEG shows what a PNG does, as far as its quality lets it.
 * @param quality 1 to 100
 */
export async function showsSame(jpeg: Buffer, png: Buffer, quality: number): Promise<boolean> {
  const [a, b] = await Promise.all([blockMeans(jpeg), blockMeans(png)]);
  const allowed = LEVELS + (100 - quality) * LEVELS_PER_QUALITY;
  return a.length === b.length && a.every((level, at) => Math.abs(level - (b[at] as number)) <= allowed);
}

/** What a JPEG shows, as a PNG. */
export function pngOf(jpeg: Buffer): Promise<Buffer> {
  return runFfmpeg([...FROM_PICTURE, '-pix_fmt', 'rgb24', '-c:v', 'png', '-f', 'image2pipe', 'pipe:1'], {
    input: jpeg,
  });
}

/** The pixels of a PNG: 4 bytes each. */
export function pixelsOf(png: Buffer): Promise<Buffer> {
  return runFfmpeg([...FROM_PICTURE, '-pix_fmt', 'rgba', '-f', 'rawvideo', 'pipe:1'], { input: png });
}
