import { constants, crc32, createDeflate } from 'node:zlib';
import type { PixelSize } from './framebuffer.ts';

/** @see https://www.w3.org/TR/png-3/ */
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BITS = 8;
const RGB = 2;
const CHANNELS = 3;
/** Handed on at a time. */
const PACKED_BYTES = 256 * 1024;

function chunk(type: string, ...data: readonly Buffer[]): Buffer[] {
  const [head, tail] = [Buffer.alloc(8), Buffer.alloc(4)];
  head.writeUInt32BE(data.reduce((bytes, part) => bytes + part.length, 0));
  head.write(type, 4, 'latin1');
  tail.writeUInt32BE(data.reduce((crc, part) => crc32(part, crc), crc32(type)));
  return [head, ...data, tail];
}

/** Bytes of the rows of a picture, as they are in a PNG before they are compressed. */
export function rowBytes({ width, height }: PixelSize): number {
  return (width * CHANNELS + 1) * height;
}

/**
 * A PNG of an opaque picture, quickly made: what the filter leaves is compressed by its entropy alone.
 * @param rows each with its filter's type and then 3 bytes a pixel; they must stay until this resolves
 */
export async function packPng(rows: Uint8Array, size: PixelSize): Promise<Buffer> {
  const packing = createDeflate({ level: 1, strategy: constants.Z_HUFFMAN_ONLY, chunkSize: PACKED_BYTES });
  packing.end(rows);
  const packed = (await packing.toArray()) as Buffer[];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size.width);
  header.writeUInt32BE(size.height, 4);
  header.set([BITS, RGB, 0, 0, 0], 8);
  return Buffer.concat([SIGNATURE, ...chunk('IHDR', header), ...chunk('IDAT', ...packed), ...chunk('IEND')]);
}
