import { open } from 'node:fs/promises';
import { KitError } from '../src/utils/errors.ts';

const PT_INTERP = 3;
const X86_64 = 62;

/**
 * Checks that a program needs no library of the machine it runs on: a 64-bit x86 ELF file that asks for no
 * loader.
 * @throws KitError
 */
export async function assertStaticElf(file: string): Promise<void> {
  await using handle = await open(file).catch((cause: unknown) => {
    throw new KitError(`${file} can't be read.`, { cause });
  });
  const header = Buffer.alloc(64);
  await handle.read(header, 0, 64, 0);
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header.readUInt16LE(18) !== X86_64) {
    throw new KitError(`${file} is no program for Linux on x86-64. Take a static build for it.`);
  }
  const [start, size, count] = [
    Number(header.readBigUInt64LE(32)),
    header.readUInt16LE(54),
    header.readUInt16LE(56),
  ];
  const table = Buffer.alloc(size * count);
  await handle.read(table, 0, table.length, start);
  for (let at = 0; at < table.length; at += size) {
    if (table.readUInt32LE(at) !== PT_INTERP) continue;
    throw new KitError(
      `${file} needs libraries that Lambda does not have. Take a static build: unset FFMPEG_PATH, or make one with npm run layer:ffmpeg.`,
      { details: { file } },
    );
  }
}
