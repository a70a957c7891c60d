import { boxesIn, UnknownLayout } from '../mp4/boxes.ts';
import { BitReader } from './bits.ts';
import { payloadOf, UNIT, unitType } from './nal-unit.ts';

/** What has to be known of a stream to write pictures into it. */
export interface StreamSetup {
  /** Of the length before each unit. */
  readonly lengthBytes: number;
  /** Of `frame_num`. */
  readonly frameNumBits: number;
  /** Of a picture. */
  readonly macroblocks: number;
  readonly ppsId: number;
  /** Of a slice that tells no difference. */
  readonly quantizer: number;
  /** Whether slices of P pictures have tables of weights. */
  readonly weighted: boolean;
  /** Whether the tables have weights of the colours. */
  readonly coloured: boolean;
  /** Whether slices say how edges are smoothed. */
  readonly smoothingTold: boolean;
}

/** Profiles whose SPS tells of colours and depth (H.264, 7.3.2.1.1). */
const HIGH_PROFILES = [100, 110, 122, 244];
/** Fields of a VisualSampleEntry before its boxes, and those of `stsd` before the first entry. */
const ENTRY_BYTES = 8 + 8 + 78;

function refuse(refused: boolean, what: string): void {
  if (refused) throw new UnknownLayout(`an H.264 stream with ${what}`);
}

function readSps(unit: Buffer): Pick<StreamSetup, 'frameNumBits' | 'macroblocks' | 'coloured'> {
  const reader = new BitReader(payloadOf(unit));
  const profile = reader.bits(8);
  reader.bits(16);
  reader.unsigned();
  let coloured = true;
  if (HIGH_PROFILES.includes(profile)) {
    const chroma = reader.unsigned();
    coloured = chroma > 0;
    if (chroma === 3) refuse(reader.flag(), 'separate colours');
    reader.unsigned();
    reader.unsigned();
    reader.flag();
    refuse(reader.flag(), 'scaling lists');
  }
  const frameNumBits = reader.unsigned() + 4;
  refuse(reader.unsigned() !== 2, 'another order of showing than of decoding');
  refuse(reader.unsigned() !== 1, 'another number of reference pictures than one');
  reader.flag();
  const width = reader.unsigned() + 1;
  const height = reader.unsigned() + 1;
  refuse(!reader.flag(), 'fields');
  return { frameNumBits, macroblocks: width * height, coloured };
}

function readPps(unit: Buffer): Pick<StreamSetup, 'ppsId' | 'quantizer' | 'weighted' | 'smoothingTold'> {
  const reader = new BitReader(payloadOf(unit));
  const ppsId = reader.unsigned();
  reader.unsigned();
  refuse(!reader.flag(), 'CAVLC');
  refuse(reader.flag(), 'orders of fields');
  refuse(reader.unsigned() > 0, 'groups of slices');
  refuse(reader.unsigned() > 0, 'several references');
  reader.unsigned();
  const weighted = reader.flag();
  reader.bits(2);
  const quantizer = 26 + reader.signed();
  reader.signed();
  reader.signed();
  const smoothingTold = reader.flag();
  reader.flag();
  refuse(reader.flag(), 'redundant pictures');
  return { ppsId, quantizer, weighted, smoothingTold };
}

/**
 * Reads `avcC` (ISO/IEC 14496-15, 5.3.3.1) of a sample description.
 * @param description the body of `stsd`, of one entry
 * @throws UnknownLayout when the stream is another than x264 writes without B-frames and with one reference picture
 */
export function readStreamSetup(description: Buffer): StreamSetup {
  const box = [...boxesIn(description.subarray(ENTRY_BYTES))].find(({ type }) => type === 'avcC');
  if (!box) throw new UnknownLayout('no H.264 stream');
  const { body } = box;
  try {
    const lengthBytes = (body.readUInt8(4) & 3) + 1;
    const units: Buffer[] = [];
    let at = 5;
    for (const mask of [0x1f, 0xff]) {
      const count = body.readUInt8(at++) & mask;
      for (let unit = 0; unit < count; unit++) {
        const length = body.readUInt16BE(at);
        units.push(body.subarray(at + 2, at + 2 + length));
        at += 2 + length;
      }
    }
    const [sps, pps, ...others] = units;
    if (!sps || !pps || others.length > 0 || unitType(sps) !== UNIT.sps || unitType(pps) !== UNIT.pps)
      throw new UnknownLayout('not one SPS and PPS');
    return { lengthBytes, ...readSps(sps), ...readPps(pps) };
  } catch (error) {
    if (error instanceof RangeError) throw new UnknownLayout('avcC is cut off', { cause: error });
    throw error;
  }
}
