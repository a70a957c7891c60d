import { BitReader, BitWriter } from './bits.ts';
import { SKIPPED_QUANTIZER, writeSkipped } from './cabac.ts';
import { makeUnit, payloadOf, UNIT } from './nal-unit.ts';
import type { StreamSetup } from './stream-setup.ts';

/** `slice_type` of a picture whose slices are all P (H.264, table 7-6). */
const P_PICTURE = 5;
const REFERENCE = 2 << 5;
/** Of a unit: in as many `frame_num` ends, behind three numbers of 63 bits at the most. */
const HEADER_BYTES = 48;

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
  const reader = new BitReader(payloadOf(slice.subarray(0, HEADER_BYTES)));
  frameNumAt(reader);
  return reader.bits(frameNumBits);
}

/** A slice whose `frame_num` is `ahead` further. */
export function countedOn(slice: Buffer, setup: StreamSetup, ahead: number): Buffer {
  const { frameNumBits } = setup;
  const payload = payloadOf(slice);
  const at = frameNumAt(new BitReader(payload));
  const frameNum = (frameNumOf(slice, setup) + ahead) % 2 ** frameNumBits;
  for (let bit = 0; bit < frameNumBits; bit++) {
    const place = at + bit;
    const mask = 0x80 >> (place & 7);
    const isSet = (frameNum >>> (frameNumBits - 1 - bit)) & 1;
    const byte = payload[place >> 3] as number;
    payload[place >> 3] = isSet ? byte | mask : byte & ~mask;
  }
  return makeUnit(slice[0] as number, payload);
}
