import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from './read-movie.ts';

/** An open file as bytes that can be read at any place. */
export async function fileSource(file: FileHandle): Promise<ByteSource> {
  const { size } = await file.stat();
  return {
    size,
    read: async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
  };
}
