import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BitReader, BitWriter } from '../../../src/utils/h264/bits.ts';
import { makeSample, makeUnit, payloadOf, unitsIn } from '../../../src/utils/h264/nal-unit.ts';
import { countedOn, frameNumOf } from '../../../src/utils/h264/repeated-picture.ts';
import type { StreamSetup } from '../../../src/utils/h264/stream-setup.ts';
import { UnknownLayout } from '../../../src/utils/mp4/boxes.ts';

/** Many zeros, and what may follow them in a start code. */
const payloads = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 3) }, fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 80,
  })
  .map((bytes) => Buffer.from([...bytes, 0x80]));

test('numbers are read as they were written', () => {
  const numbers = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('unsigned' as const), value: fc.nat(2 ** 31 - 2) }),
      fc.record({
        kind: fc.constant('signed' as const),
        value: fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
      }),
      fc.record({ kind: fc.constant('bits' as const), value: fc.nat(2 ** 16 - 1) }),
    ),
  );
  fc.assert(
    fc.property(numbers, (all) => {
      const out = new BitWriter();
      for (const { kind, value } of all) kind === 'bits' ? out.bits(16, value) : out[kind](value);
      const reader = new BitReader(out.align(1).toBuffer());
      for (const { kind, value } of all)
        expect(kind === 'bits' ? reader.bits(16) : reader[kind]()).toBe(value);
    }),
  );
});

test.each([
  [0, '1'],
  [1, '010'],
  [2, '011'],
  [3, '00100'],
  [8, '0001001'],
])('ue(v) of %i is %s, as in H.264, table 9-1', (value, bits) => {
  expect(new BitWriter().unsigned(value).align(0).toBuffer()[0]).toBe(
    Number.parseInt(bits.padEnd(8, '0'), 2),
  );
});

test('a number that does not end is refused', () => {
  expect(() => new BitReader(Buffer.alloc(8)).unsigned()).toThrow(UnknownLayout);
  expect(() => new BitReader(Buffer.from([1])).unsigned()).toThrow('cut off');
  expect(new BitReader(Buffer.from([1, 0])).unsigned()).toBe(127);
});

test('units have no start codes, and give their payload back', () => {
  fc.assert(
    fc.property(payloads, (payload) => {
      const unit = makeUnit(0x41, payload);
      for (const code of ['000000', '000001', '000002'])
        expect(unit.indexOf(Buffer.from(code, 'hex')), code).toBe(-1);
      expect(payloadOf(unit)).toEqual(payload);
    }),
  );
});

test('a slice is counted on, and nothing else of it changes', () => {
  const setup = { frameNumBits: 4 } as StreamSetup;
  const slices = fc.record({ frameNum: fc.nat(15), ahead: fc.nat(100), rest: payloads });
  fc.assert(
    fc.property(slices, ({ frameNum, ahead, rest }) => {
      const sliceOf = (number: number): Buffer => {
        const head = new BitWriter().unsigned(0).unsigned(5).unsigned(0).bits(4, number).align(0).toBuffer();
        return makeUnit(0x41, Buffer.concat([head, rest]));
      };
      const counted = countedOn(sliceOf(frameNum), setup, ahead);
      expect(counted).toEqual(sliceOf((frameNum + ahead) % 16));
      expect(frameNumOf(counted, setup)).toBe((frameNum + ahead) % 16);
    }),
    { numRuns: 2000 },
  );
});

test('samples hold their units, each behind its length', () => {
  const units = [Buffer.from([6, 1]), Buffer.from([0x65, 2, 3])];
  for (const lengthBytes of [1, 2, 4]) {
    const sample = makeSample(units, lengthBytes);
    expect([...unitsIn(sample, lengthBytes)]).toEqual(units);
    expect(() => [...unitsIn(sample.subarray(0, -1), lengthBytes)]).toThrow('cut off');
  }
});
