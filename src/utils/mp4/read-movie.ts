import { readBoxHeader, UnknownLayout } from './boxes.ts';
import type { ByteRange } from './tables.ts';

/** Bytes that can be read at any place. */
export interface ByteSource {
  readonly size: number;
  /** As many as there are from `offset` on, `length` at most. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** What the outermost boxes of a file hold (ISO/IEC 14496-12, 4.3, 8.1.1 and 8.2.1). */
export interface Movie {
  /** The whole `ftyp`. */
  readonly fileType: Buffer;
  /** The body of `moov`. */
  readonly moov: Buffer;
  readonly moovAt: ByteRange;
  /** Of the body of `mdat`. */
  readonly media: ByteRange;
}

/** Read at a time: the boxes before the media, and mostly those after it. */
const BLOCK_BYTES = 16 * 1024;
const HEADER_BYTES = 16;
const MAX_MOOV_BYTES = 256 * 1024 ** 2;
const PADDING = ['free', 'skip', 'wide'];

function blockReader(source: ByteSource): (offset: number, length: number) => Promise<Buffer> {
  let blockAt = 0;
  let block: Buffer = Buffer.alloc(0);
  return async (offset, length) => {
    if (offset < blockAt || offset + length > blockAt + block.length) {
      block = await source.read(offset, Math.max(length, BLOCK_BYTES));
      blockAt = offset;
    }
    return block.subarray(offset - blockAt, offset - blockAt + length);
  };
}

/** @throws UnknownLayout, and what the source throws */
export async function readMovie(source: ByteSource): Promise<Movie> {
  const read = blockReader(source);
  let fileType: Buffer | undefined;
  let moov: { readonly body: Buffer; readonly at: ByteRange } | undefined;
  let media: ByteRange | undefined;
  for (let at = 0; at < source.size; ) {
    const header = await read(at, Math.min(HEADER_BYTES, source.size - at));
    const { type, headerBytes, size } = readBoxHeader(header);
    const end = at + size;
    if (end > source.size) throw new UnknownLayout(`the box ${type} is cut off`);
    if (type === 'ftyp' && size <= BLOCK_BYTES) fileType = Buffer.from(await read(at, size));
    else if (type === 'mdat' && !media) media = { start: at + headerBytes, end };
    else if (type === 'moov' && !moov && size <= MAX_MOOV_BYTES)
      moov = { body: Buffer.from(await read(at + headerBytes, size - headerBytes)), at: { start: at, end } };
    else if (!PADDING.includes(type)) throw new UnknownLayout(`a box ${type} of ${size} bytes`);
    at = end;
  }
  if (!fileType || !moov || !media) throw new UnknownLayout('not one ftyp, moov and mdat');
  return { fileType, moov: moov.body, moovAt: moov.at, media };
}

/**
 * As `readMovie`, of a file that is likely laid out as another: `mdat` at the same place, and then `moov` to the end. By
 * one reading then, of its end.
 */
export async function readMovieLike(source: ByteSource, { fileType, media, moovAt }: Movie): Promise<Movie> {
  const length = Math.min(source.size, Math.ceil((moovAt.end - moovAt.start) * 1.25) + BLOCK_BYTES / 4);
  const end = await source.read(source.size - length, length);
  for (let type = end.indexOf('moov', 4); type >= 0; type = end.indexOf('moov', type + 1)) {
    const at = type - 4;
    if (end.readUInt32BE(at) !== end.length - at) continue;
    const start = source.size - (end.length - at);
    return {
      fileType,
      moov: Buffer.from(end.subarray(type + 4)),
      moovAt: { start, end: source.size },
      media: { start: media.start, end: start },
    };
  }
  return readMovie(source);
}
