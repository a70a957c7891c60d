import { runFfmpeg } from '../utils/ffmpeg.ts';

/** Side of the blocks that are compared by their means, in pixels: those that a JPEG is made of. */
const BLOCK = 8;
/**
 * How far a block's mean may be off, in levels, at quality 100, and how much further for each point below: nearly twice
 * what was measured over bench/compositions (9 at 95, 17 at 50, 39 at 10).
 */
const LEVELS = 15;
const LEVELS_PER_QUALITY = 0.4;
const EXACT = 'accurate_rnd+full_chroma_int+full_chroma_inp';

/** Means of a picture's blocks, 3 bytes each. */
function blockMeans(picture: Buffer): Promise<Buffer> {
  const blocks = `scale=ceil(iw/${BLOCK}):ceil(ih/${BLOCK}):flags=area+${EXACT}`;
  const input = ['-protocol_whitelist', 'pipe', '-f', 'image2pipe', '-i', 'pipe:0', '-frames:v', '1'];
  return runFfmpeg(
    [...input, '-vf', `scale=flags=${EXACT},format=gbrp,${blocks},format=rgb24`, '-f', 'rawvideo', 'pipe:1'],
    { input: picture },
  );
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
