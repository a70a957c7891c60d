/** A file whose boxes are not what the joiner understands; it may be a sound video all the same. */
export class UnknownLayout extends Error {}

/** One box of a file (ISO/IEC 14496-12, 4.2). */
export interface Box {
  readonly type: string;
  /** What follows its size and type. */
  readonly body: Buffer;
  readonly whole: Buffer;
}

const HEADER_BYTES = 8;
/** A size of 1 says that 64 bits behind the type tell it. */
const LONG_SIZE = 1;

export interface BoxHeader {
  readonly type: string;
  readonly headerBytes: number;
  /** Of the whole box. */
  readonly size: number;
}

/** @param bytes at least 16, unless the box is shorter */
export function readBoxHeader(bytes: Buffer): BoxHeader {
  if (bytes.length < HEADER_BYTES) throw new UnknownLayout('a box is cut off');
  const short = bytes.readUInt32BE(0);
  const isLong = short === LONG_SIZE;
  const headerBytes = isLong ? 2 * HEADER_BYTES : HEADER_BYTES;
  if (bytes.length < headerBytes) throw new UnknownLayout('a box is cut off');
  const size = isLong ? Number(bytes.readBigUInt64BE(HEADER_BYTES)) : short;
  if (size < headerBytes) throw new UnknownLayout(`a box of ${size} bytes`);
  return { type: bytes.toString('latin1', 4, 8), headerBytes, size };
}

/** The boxes that lie in a row. */
export function* boxesIn(bytes: Buffer): Generator<Box> {
  for (let at = 0; at < bytes.length; ) {
    const { type, headerBytes, size } = readBoxHeader(bytes.subarray(at, at + 2 * HEADER_BYTES));
    const whole = bytes.subarray(at, at + size);
    if (whole.length < size) throw new UnknownLayout(`the box ${type} is cut off`);
    yield { type, body: whole.subarray(headerBytes), whole };
    at += size;
  }
}

/** The box at a path of types below `bytes`; `undefined` when there is none. */
export function findBox(bytes: Buffer, ...[type, ...below]: readonly [string, ...string[]]): Box | undefined {
  for (const box of boxesIn(bytes)) {
    if (box.type !== type) continue;
    const [next, ...others] = below;
    return next === undefined ? box : findBox(box.body, next, ...others);
  }
  return undefined;
}

/** @throws UnknownLayout when there is none */
export function boxAt(bytes: Buffer, ...path: readonly [string, ...string[]]): Box {
  const box = findBox(bytes, ...path);
  if (!box) throw new UnknownLayout(`there is no box ${path.join('/')}`);
  return box;
}

/** The version and what follows the flags of a full box (4.2). */
export function fullBox({ body, type }: Box): { readonly version: number; readonly fields: Buffer } {
  if (body.length < 4) throw new UnknownLayout(`the box ${type} is cut off`);
  return { version: body.readUInt8(0), fields: body.subarray(4) };
}

/** A box around what it holds. */
export function makeBox(type: string, ...content: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(type, 4, 'latin1');
  const box = Buffer.concat([header, ...content]);
  box.writeUInt32BE(box.length, 0);
  return box;
}

/** A full box of version 0 without flags, of 32-bit fields. */
export function makeTable(type: string, fields: Iterable<number>): Buffer {
  const values = [0, ...fields];
  const content = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) content.writeUInt32BE(value, 4 * at);
  return makeBox(type, content);
}
