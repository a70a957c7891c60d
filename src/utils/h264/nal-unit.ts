import { UnknownLayout } from '../mp4/boxes.ts';

/** Of NAL units (H.264, table 7-1). */
export const UNIT = { slice: 1, idrSlice: 5, sps: 7, pps: 8 } as const;

export const unitType = (unit: Uint8Array): number => (unit[0] ?? 0) & 0x1f;

/** Whether other pictures may refer to it. */
export const isReference = (unit: Uint8Array): boolean => ((unit[0] ?? 0) & 0x60) !== 0;

/** The units of a sample, each behind its length (ISO/IEC 14496-15, 5.3.4.2). */
export function* unitsIn(sample: Buffer, lengthBytes: number): Generator<Buffer> {
  for (let at = 0; at < sample.length; ) {
    if (at + lengthBytes > sample.length) throw new UnknownLayout('an H.264 sample is cut off');
    const start = at + lengthBytes;
    const end = start + sample.readUIntBE(at, lengthBytes);
    if (end > sample.length) throw new UnknownLayout('an H.264 unit is cut off');
    yield sample.subarray(start, end);
    at = end;
  }
}

/** A sample of these units. */
export function makeSample(units: readonly Buffer[], lengthBytes: number): Buffer {
  return Buffer.concat(
    units.flatMap((unit) => {
      const length = Buffer.alloc(lengthBytes);
      length.writeUIntBE(unit.length, 0, lengthBytes);
      return [length, unit];
    }),
  );
}

/** The payload of a unit: without its first byte and the bytes that keep start codes out of it (7.3.1). */
export function payloadOf(unit: Buffer): Buffer {
  const payload = Buffer.allocUnsafe(unit.length);
  let [length, zeros] = [0, 0];
  for (let at = 1; at < unit.length; at++) {
    const byte = unit[at] as number;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    payload[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return payload.subarray(0, length);
}

/** A unit of a payload, with a 3 between two zeros and what would make a start code of them (7.4.1.1). */
export function makeUnit(header: number, payload: Uint8Array): Buffer {
  // Of every two bytes at most one more.
  const unit = Buffer.allocUnsafe(1 + Math.ceil(payload.length * 1.5) + 1);
  unit[0] = header;
  let [length, zeros] = [1, 0];
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at] as number;
    if (zeros >= 2 && byte <= 3) {
      unit[length++] = 3;
      zeros = 0;
    }
    unit[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return unit.subarray(0, length);
}
