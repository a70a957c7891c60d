import { BitReader, BitWriter } from './bits.ts';
import { SKIPPED_QUANTIZER, writeSkipped } from './cabac.ts';
import { makeUnit, readPayload, UNIT } from './nal-unit.ts';
import type { StreamSetup } from './stream-setup.ts';

/** `slice_type` of a picture whose slices are all P (H.264, table 7-6). */
const P_PICTURE = 5;
const REFERENCE = 2 << 5;
/** As many as may lie before the end of `frame_num`: three numbers of 63 bits at the most, and 16 bits. */
const HEADER_BYTES = 26;

/**
 * Makes units of P pictures that show the one before them in decoding once more: all of their macroblocks are skipped,
 * and their edges are not smoothed again. Each is referred to in its turn.
 */
export function pictureRepeater(setup: StreamSetup): (frameNum: number) => Buffer {
  const slice = new BitWriter();
  writeSkipped(slice, setup.macroblocks);
  const data = slice.align(0).toBuffer();
  return (frameNum) => {
    const header = new BitWriter();
    writeHeader(header, setup, frameNum);
    return makeUnit(REFERENCE | UNIT.slice, Buffer.concat([header.align(1).toBuffer(), data]));
  };
}

/** slice_header(), 7.3.3. */
function writeHeader(out: BitWriter, setup: StreamSetup, frameNum: number): void {
  // The picture's first macroblock, its type, its PPS, its number.
  out.unsigned(0).unsigned(P_PICTURE).unsigned(setup.ppsId).bits(setup.frameNumBits, frameNum);
  // As many references as the PPS says, in their own order.
  out.flag(false).flag(false);
  if (setup.weighted) {
    out.unsigned(0);
    if (setup.coloured) out.unsigned(0);
    out.flag(false);
    if (setup.coloured) out.flag(false);
  }
  // References leave in the order in which they came.
  out.flag(false);
  out.unsigned(0).signed(SKIPPED_QUANTIZER - setup.quantizer);
  if (setup.smoothingTold) out.unsigned(1);
}

/** Where `frame_num` begins in the payload of a slice. */
function frameNumAt(reader: BitReader): number {
  reader.unsigned();
  reader.unsigned();
  reader.unsigned();
  return reader.position;
}

/** `frame_num` of a slice. */
export function frameNumOf(slice: Buffer, { frameNumBits }: StreamSetup): number {
  const reader = new BitReader(readPayload(slice, HEADER_BYTES).payload);
  frameNumAt(reader);
  return reader.bits(frameNumBits);
}

/** A slice with another `frame_num`. */
export function withFrameNum(slice: Buffer, { frameNumBits }: StreamSetup, frameNum: number): Buffer {
  // Behind a byte that is not zero the rest needs no other bytes against start codes than before.
  const { payload, end } = readPayload(slice, HEADER_BYTES);
  const at = frameNumAt(new BitReader(payload));
  for (let bit = 0; bit < frameNumBits; bit++) {
    const place = at + bit;
    const mask = 0x80 >> (place & 7);
    const isSet = (frameNum >>> (frameNumBits - 1 - bit)) & 1;
    const byte = payload[place >> 3] as number;
    payload[place >> 3] = isSet ? byte | mask : byte & ~mask;
  }
  return Buffer.concat([makeUnit(slice[0] as number, payload), slice.subarray(end)]);
}
