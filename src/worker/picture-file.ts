import { runFfmpeg } from '../utils/ffmpeg.ts';
import type { Picture } from './picture.ts';

/** A picture as a file of its format has it; raw ones become PNG. @param size pixels */
export async function pictureFile(
  { format, bytes }: Pick<Picture, 'format' | 'bytes'>,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Buffer> {
  if (format === 'png' || format === 'jpeg') return bytes;
  const pixelFormat = format === 'i420' ? 'yuv420p' : format;
  const input = ['-f', 'rawvideo', '-pix_fmt', pixelFormat, '-s', `${width}x${height}`, '-i', 'pipe:0'];
  const toRgb = ['-vf', 'scale=in_color_matrix=bt709:in_range=tv,format=rgb24'];
  return await runFfmpeg(
    [
      ...['-protocol_whitelist', 'pipe', ...input],
      ...(format === 'i420' ? toRgb : ['-pix_fmt', 'rgb24']),
      ...['-frames:v', '1', '-c:v', 'png', '-f', 'image2pipe', 'pipe:1'],
    ],
    { input: bytes },
  );
}
