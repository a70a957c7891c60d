import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutAtMultiples, cutEvenly, cutToTarget } from '../../src/orchestrator/segment-ranges.ts';
import { outputFrames } from '../../src/types/codecs.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import type { FrameRange } from '../../src/types/render-job.ts';

const range = fc
  .tuple(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 1, max: 3_000 }))
  .map(([start, length]): FrameRange => [start, start + length]);
const step = fc.integer({ min: 1, max: 240 });

/** The frames that ranges show, each range counting from its own start. */
function shown(ranges: readonly FrameRange[], every: number): number[] {
  return ranges.flatMap(([start, end]) => {
    const frames: number[] = [];
    for (let frame = start; frame < end; frame += every) frames.push(frame);
    return frames;
  });
}

function expectCover(parts: readonly FrameRange[], whole: FrameRange, every: number): void {
  expect(shown(parts, every)).toEqual(shown([whole], every));
  const encoding = encodingSchema.parse({ everyNthFrame: every });
  const frames = parts.reduce((sum, part) => sum + outputFrames(part, encoding), 0);
  expect(frames).toBe(outputFrames(whole, encoding));
  expect(parts[0]?.[0]).toBe(whole[0]);
  expect(parts.at(-1)?.[1]).toBe(whole[1]);
  for (const [index, [start, end]] of parts.entries()) {
    expect(end).toBeGreaterThan(start);
    if (index > 0) expect(start).toBe(parts[index - 1]?.[1]);
  }
}

describe('cutAtMultiples', () => {
  test('shows every frame exactly once', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 4_096 }), step, (whole, length, every) => {
        expectCover(cutAtMultiples(whole, length, every), whole, every);
      }),
      { numRuns: 500 },
    );
  });

  test('no part shows more than `length` frames', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 500 }), step, (whole, length, every) => {
        for (const part of cutAtMultiples(whole, length, every))
          expect(shown([part], every).length).toBeLessThanOrEqual(length + 1);
      }),
    );
  });

  test('a longer range has the same cuts, and keeps all parts but the last', () => {
    fc.assert(
      fc.property(
        range,
        fc.nat(2_000),
        fc.integer({ min: 1, max: 300 }),
        step,
        ([start, end], more, length, every) => {
          const short = cutAtMultiples([start, end], length, every);
          const long = cutAtMultiples([start, end + more], length, every);
          expect(long.slice(0, short.length - 1)).toEqual(short.slice(0, -1));
        },
      ),
    );
  });

  test('ranges that start elsewhere share the cuts', () => {
    expect(cutAtMultiples([0, 100], 32)).toEqual([
      [0, 32],
      [32, 64],
      [64, 96],
      [96, 100],
    ]);
    expect(cutAtMultiples([40, 100], 32)).toEqual([
      [40, 64],
      [64, 96],
      [96, 100],
    ]);
  });
});

describe('cutEvenly', () => {
  test('shows every frame exactly once', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 4_000 }), step, (whole, count, every) => {
        expectCover(cutEvenly(whole, count, every), whole, every);
      }),
      { numRuns: 500 },
    );
  });

  test('gives as many parts as were asked for, unless there are fewer frames', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 4_000 }), step, (whole, count, every) => {
        const frames = shown([whole], every).length;
        expect(cutEvenly(whole, count, every)).toHaveLength(Math.min(count, frames));
      }),
    );
  });

  test('parts differ by one shown frame at the most', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 100 }), step, (whole, count, every) => {
        const sizes = cutEvenly(whole, count, every).map((part) => shown([part], every).length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('cutToTarget', () => {
  const slope = fc.record({
    base: fc.double({ min: 1, max: 500, noNaN: true }),
    rise: fc.integer({ min: 0, max: 9 }),
  });
  const target = fc.integer({ min: 1_000, max: 800_000 });
  const curveOf =
    ({ base, rise }: { base: number; rise: number }) =>
    (frame: number) =>
      base * (1 + (rise * frame) / 4_000);

  test('shows every frame exactly once', () => {
    fc.assert(
      fc.property(range, target, slope, step, (whole, targetMs, cost, every) => {
        expectCover(cutToTarget(whole, targetMs, every, curveOf(cost)), whole, every);
      }),
      { numRuns: 200 },
    );
  });

  test('cuts even frames at multiples of the longest power of two from 16 to 4096 that fits', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 900 }), target, (whole, ms, targetMs) => {
        const power = 2 ** Math.floor(Math.log2(Math.max(1, targetMs / ms)));
        const length = Math.min(4_096, Math.max(16, power));
        expect(cutToTarget(whole, targetMs, 1, () => ms)).toEqual(cutAtMultiples(whole, length));
      }),
    );
  });

  test('keeps each part of what varies to the target, and no two beside each other far below it', () => {
    fc.assert(
      fc.property(target, slope, (targetMs, cost) => {
        const msOf = curveOf(cost);
        const parts = cutToTarget([0, 8_192], targetMs, 1, msOf).map(([from, to]) => {
          const ms = Array.from({ length: to - from }, (_, at) => msOf(from + at)).reduce(
            (sum, of) => sum + of,
            0,
          );
          return { frames: to - from, ms };
        });
        for (const [index, { frames, ms }] of parts.entries()) {
          expect(Math.log2(frames) % 1).toBe(0);
          if (frames > 16) expect(ms).toBeLessThanOrEqual(targetMs);
          const next = parts[index + 1];
          if (frames < 4_096 && next?.frames === frames) expect(2 * (ms + next.ms)).toBeGreaterThan(targetMs);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('gives frames that cost four times as much a quarter of the length', () => {
    const parts = cutToTarget([0, 1_024], 25_600, 1, (frame) => (frame < 512 ? 50 : 200));
    expect(parts).toEqual([
      [0, 512],
      [512, 640],
      [640, 768],
      [768, 896],
      [896, 1_024],
    ]);
  });
});
