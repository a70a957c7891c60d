import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Fps,
  fpsSchema,
  frameToMs,
  frameToSeconds,
  outputFps,
  secondsToFrames,
  toRational,
  trackTimescale,
} from '../../src/types/fps.ts';

const TWELVE_HOURS = 12 * 3600;

describe('what is written becomes one canonical form', () => {
  test.each<[number | string, Fps]>([
    [30, 30],
    ['30', 30],
    [' 30 ', 30],
    ['30/1', 30],
    ['60/2', 30],
    ['30.0', 30],
    [12.5, '25/2'],
    ['12.5', '25/2'],
    ['30000/1001', '30000/1001'],
    ['60000/2002', '30000/1001'],
    [29.97, '30000/1001'],
    ['29.97', '30000/1001'],
    [23.976, '24000/1001'],
    [23.98, '24000/1001'],
    [47.952, '48000/1001'],
    [59.94, '60000/1001'],
    [119.88, '120000/1001'],
    [1, 1],
    [240, 240],
    ['240/1', 240],
    ['999999/4167', '111111/463'],
  ])('%j is %j', (written, canonical) => {
    expect(fpsSchema.parse(written)).toBe(canonical);
  });

  test.each([
    0,
    0.999,
    240.001,
    241,
    -30,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e-7,
    1e21,
    '',
    'abc',
    '30000/0',
    '0/1',
    '1/2',
    '241/1',
    '30/',
    '/1001',
    '30/1/1',
    '-30/1',
    '30e0',
    '0x1e',
    '1234567/9999',
    null,
    undefined,
    {},
    [30],
    true,
  ])('%j is refused', (written) => {
    expect(fpsSchema.safeParse(written).success).toBe(false);
  });

  test('a message names what was written', () => {
    expect(fpsSchema.safeParse('30000/0').error?.issues[0]?.message).toContain('"30000/0"');
  });
});

/** Every canonical frame rate from 1 to 240. */
const anyFps = fc
  .tuple(fc.integer({ min: 1, max: 240_000 }), fc.integer({ min: 1, max: 1_001 }))
  .filter(([num, den]) => num >= den && num <= 240 * den)
  .map(([num, den]) => fpsSchema.parse(`${num}/${den}`));

describe('properties of frame rates', () => {
  test('a canonical form stays as it is', () => {
    fc.assert(
      fc.property(anyFps, (fps) => {
        expect(fpsSchema.parse(fps)).toBe(fps);
      }),
    );
  });

  test('a fraction is reduced, and equal fractions have equal forms', () => {
    fc.assert(
      fc.property(anyFps, fc.integer({ min: 1, max: 4 }), (fps, factor) => {
        const { num, den } = toRational(fps);
        expect(fpsSchema.parse(`${num * factor}/${den * factor}`)).toBe(fps);
        for (let divisor = 2; divisor <= Math.min(den, 50); divisor++)
          expect(num % divisor === 0 && den % divisor === 0).toBe(false);
      }),
    );
  });

  test('the time of a frame is the nearest number to the exact one, all through twelve hours', () => {
    fc.assert(
      fc.property(anyFps, fc.double({ min: 0, max: 1, noNaN: true }), (fps, part) => {
        const { num, den } = toRational(fps);
        const frame = Math.floor((part * TWELVE_HOURS * num) / den);
        // The exact time in units of 2^-40 ms, in whole numbers; a double of 12 h resolves 2^-27 ms.
        const exact = (BigInt(frame) * BigInt(den) * 1000n * 2n ** 40n) / BigInt(num);
        const got = BigInt(Math.round(frameToMs(frame, fps) * 2 ** 20)) * 2n ** 20n;
        const off = got > exact ? got - exact : exact - got;
        expect(off).toBeLessThanOrEqual(2n ** 20n);
        expect(frameToMs(frame, fps)).toBe((frame * den * 1000) / num);
      }),
      { numRuns: 1_000 },
    );
  });

  test('each frame is found again at its time', () => {
    fc.assert(
      fc.property(anyFps, fc.integer({ min: 0, max: 12 * 3600 * 240 }), (fps, frame) => {
        expect(secondsToFrames(frameToSeconds(frame, fps), fps)).toBe(frame);
      }),
      { numRuns: 1_000 },
    );
  });

  test('times only grow', () => {
    fc.assert(
      fc.property(anyFps, fc.integer({ min: 0, max: 12 * 3600 * 240 }), (fps, frame) => {
        expect(frameToMs(frame + 1, fps)).toBeGreaterThan(frameToMs(frame, fps));
      }),
    );
  });

  test('whole frame rates are at whole seconds', () => {
    for (const fps of [24, 25, 30, 48, 50, 60, 120, 240])
      for (let second = 0; second <= TWELVE_HOURS; second += 997)
        expect(frameToMs(second * fps, fps)).toBe(second * 1000);
  });

  test('a frame lasts a whole number of ticks of its track', () => {
    fc.assert(
      fc.property(anyFps, (fps) => {
        const { num, den } = toRational(fps);
        const timescale = trackTimescale(fps);
        expect((timescale * den) % num).toBe(0);
        expect(timescale).toBeGreaterThanOrEqual(10_000);
      }),
    );
  });

  test('each n-th frame of a video comes at a rate n times lower', () => {
    fc.assert(
      fc.property(anyFps, fc.integer({ min: 1, max: 240 }), (fps, n) => {
        const [whole, shown] = [toRational(fps), toRational(outputFps(fps, n))];
        expect(BigInt(shown.num) * BigInt(whole.den) * BigInt(n)).toBe(BigInt(whole.num) * BigInt(shown.den));
      }),
    );
  });
});

test('what is no frame rate has no fraction', () => {
  expect(() => toRational('fast')).toThrow(RangeError);
});
