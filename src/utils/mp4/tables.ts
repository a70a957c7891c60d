import { type Box, boxAt, findBox, fullBox, UnknownLayout } from './boxes.ts';

/** A value that holds for that many samples in a row. */
export type Run = readonly [count: number, value: number];

export interface ByteRange {
  readonly start: number;
  /** Not in it. */
  readonly end: number;
}

/** More samples than four days of sound have: a damaged table may tell any number. */
const MAX_SAMPLES = 2 ** 24;

/** The rows of a table that is led by their number: each of `width` 32-bit fields. */
function rowsOf(box: Box, fields: Buffer, width: number): Buffer[] {
  const count = fields.readUInt32BE(0);
  if (fields.length < 4 + 4 * width * count) throw new UnknownLayout(`the table ${box.type} is cut off`);
  return Array.from({ length: count }, (_, row) => fields.subarray(4 + 4 * width * row));
}

/** Of `stts` (ISO/IEC 14496-12, 8.6.1.2): how long each sample lasts, in ticks. */
export function readDurations(box: Box): Run[] {
  return rowsOf(box, fullBox(box).fields, 2).map((row) => [row.readUInt32BE(0), row.readUInt32BE(4)]);
}

/** Of `ctts` (8.6.1.3): how long after its decoding each sample is shown, in ticks. */
export function readDelays(box: Box): Run[] {
  const { version, fields } = fullBox(box);
  return rowsOf(box, fields, 2).map((row) => [
    row.readUInt32BE(0),
    version === 0 ? row.readUInt32BE(4) : row.readInt32BE(4),
  ]);
}

/** Of `stss` (8.6.2): the places of the samples that decoding can start at, from 0. */
export function readSyncSamples(box: Box): number[] {
  return rowsOf(box, fullBox(box).fields, 1).map((row) => row.readUInt32BE(0) - 1);
}

/** Of `stsz` (8.7.3.2), in bytes. */
export function readSizes(box: Box): Uint32Array {
  const { fields } = fullBox(box);
  const [equal, count] = [fields.readUInt32BE(0), fields.readUInt32BE(4)];
  if (count > MAX_SAMPLES) throw new UnknownLayout(`${count} samples`);
  if (equal > 0) return new Uint32Array(count).fill(equal);
  return Uint32Array.from(rowsOf(box, fields.subarray(4), 1), (row) => row.readUInt32BE(0));
}

/** Of `stco` or `co64` (8.7.5): where chunks begin in the file. */
function readChunkOffsets(table: Buffer): number[] {
  const short = findBox(table, 'stco');
  if (short) return rowsOf(short, fullBox(short).fields, 1).map((row) => row.readUInt32BE(0));
  const long = findBox(table, 'co64');
  if (!long) throw new UnknownLayout('there is no table of chunks');
  return rowsOf(long, fullBox(long).fields, 2).map((row) => Number(row.readBigUInt64BE(0)));
}

/** Of `stsc` (8.7.4): how many samples each of `chunks` chunks has. */
function readChunkLengths(box: Box, chunks: number): number[] {
  const rows = rowsOf(box, fullBox(box).fields, 3).map((row) => ({
    first: row.readUInt32BE(0),
    samples: row.readUInt32BE(4),
  }));
  return rows.flatMap(({ first, samples }, at) => {
    const length = (rows[at + 1]?.first ?? chunks + 1) - first;
    if (length < 0 || length > chunks) throw new UnknownLayout('chunks are not in order');
    return new Array<number>(length).fill(samples);
  });
}

/** Where in the file the chunks of samples lie. @param table the body of `stbl` */
export function readChunks(table: Buffer, sizes: Uint32Array): ByteRange[] {
  const offsets = readChunkOffsets(table);
  const lengths = readChunkLengths(boxAt(table, 'stsc'), offsets.length);
  let sample = 0;
  const chunks = offsets.map((start, chunk) => {
    const afterLast = sample + (lengths[chunk] ?? 0);
    let end = start;
    for (; sample < afterLast; sample++) end += sizes[sample] ?? 0;
    return { start, end };
  });
  if (sample !== sizes.length) throw new UnknownLayout('samples and chunks do not fit');
  return chunks;
}

/** What chunks fill that lie in a row. @throws UnknownLayout when they don't */
export function inARow(chunks: readonly ByteRange[]): ByteRange {
  const [first] = chunks;
  if (!first) throw new UnknownLayout('there are no samples');
  let { end } = first;
  for (const chunk of chunks.slice(1)) {
    if (chunk.start !== end) throw new UnknownLayout('samples do not lie in a row');
    end = chunk.end;
  }
  return { start: first.start, end };
}

/** The values one by one. */
export function* unrolled(runs: readonly Run[]): Generator<number> {
  for (const [count, value] of runs) for (let n = 0; n < count; n++) yield value;
}

/** The rows of a table of runs, led by their number. */
export function rolled(values: Iterable<number>): number[] {
  const rows: [count: number, value: number][] = [];
  for (const value of values) {
    const last = rows.at(-1);
    if (last?.[1] === value) last[0]++;
    else rows.push([1, value]);
  }
  return [rows.length, ...rows.flat()];
}
