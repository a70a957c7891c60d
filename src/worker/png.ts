import { promisify } from 'node:util';
import { constants, crc32, deflate } from 'node:zlib';
import type { PixelSize } from './framebuffer.ts';

/** @see https://www.w3.org/TR/png-3/ */
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BITS = 8;
const RGB = 2;
const CHANNELS = 3;
const SOURCE_CHANNELS = 4;
/** Each byte less the one above it. */
const UP = 2;

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), data.length + 8);
  return bytes;
}

/** The picture's rows, each less the one above it. */
function filteredRows(bgra: Buffer, { width, height }: PixelSize): Buffer {
  const stride = width * SOURCE_CHANNELS;
  const rows = Buffer.alloc((width * CHANNELS + 1) * height);
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    rows[to++] = y === 0 ? 0 : UP;
    for (const end = from + stride; from < end; from += SOURCE_CHANNELS)
      for (let channel = CHANNELS - 1; channel >= 0; channel--) {
        const above = y === 0 ? 0 : (bgra[from + channel - stride] as number);
        rows[to++] = (bgra[from + channel] as number) - above;
      }
  }
  return rows;
}

/**
 * A PNG of an opaque picture, quickly made: what the filter leaves is compressed by its entropy alone.
 * @param bgra 4 bytes a pixel; they may change as soon as this returns
 */
export async function encodePng(bgra: Buffer, size: PixelSize): Promise<Buffer> {
  const rows = filteredRows(bgra, size);
  const packed = await promisify(deflate)(rows, { level: 1, strategy: constants.Z_HUFFMAN_ONLY });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size.width);
  header.writeUInt32BE(size.height, 4);
  header.set([BITS, RGB, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', packed),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
