import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverRange, type Piece } from '../../src/orchestrator/cover-range.ts';
import { cutAtMultiples } from '../../src/orchestrator/segment-ranges.ts';
import { outputFrames } from '../../src/types/codecs.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import type { FrameRange } from '../../src/types/render-job.ts';

const rangeUpTo = (most: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 1, max: most }))
    .map(([start, length]): FrameRange => [start, start + length]);

/** Frames that a range shows, counted from its own start. */
function shown([start, end]: FrameRange, step: number): number[] {
  const frames: number[] = [];
  for (let frame = start; frame < end; frame += step) frames.push(frame);
  return frames;
}

const missing = (pieces: readonly Piece[]): Piece[] => pieces.filter(({ stored }) => !stored);
const framesOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { range: [start, end] }) => sum + end - start, 0);

/** The fewest frames that any choice of stored segments leaves. */
function fewestMissing([start, end]: FrameRange, stored: readonly FrameRange[]): number {
  const best = new Map<number, number>([[end, 0]]);
  for (let at = end - 1; at >= start; at--) {
    const ways = stored.filter(([from, to]) => from === at && to <= end).map(([, to]) => best.get(to) ?? 0);
    best.set(at, Math.min(1 + (best.get(at + 1) as number), ...ways));
  }
  return best.get(start) as number;
}

describe('whatever the store has', () => {
  test('each frame is shown once and in its order, from stored segments and cut ones', () => {
    fc.assert(
      fc.property(
        rangeUpTo(600),
        fc.array(rangeUpTo(600), { maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 200 }),
        (whole, stored, step, length) => {
          const pieces = coverRange(whole, stored, step);
          const parts = pieces.flatMap((piece) =>
            piece.stored ? [piece.range] : cutAtMultiples(piece.range, length, step),
          );
          expect(parts.flatMap((part) => shown(part, step))).toEqual(shown(whole, step));
          const encoding = encodingSchema.parse({ everyNthFrame: step });
          expect(parts.reduce((sum, part) => sum + outputFrames(part, encoding), 0)).toBe(
            outputFrames(whole, encoding),
          );
          expect([parts[0]?.[0], parts.at(-1)?.[1]]).toEqual(whole);
          for (const { range } of pieces.filter((piece) => piece.stored))
            expect(stored).toContainEqual(range);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('as few frames are rendered as can be, but for what opening a page once more would cost', () => {
    fc.assert(
      fc.property(rangeUpTo(60), fc.array(rangeUpTo(60), { maxLength: 12 }), (whole, stored) => {
        const gaps = missing(coverRange(whole, stored));
        const fewest = fewestMissing(whole, stored);
        expect(framesOf(gaps)).toBeGreaterThanOrEqual(fewest);
        expect(framesOf(gaps)).toBeLessThanOrEqual(fewest + 4 * stored.length);
        for (const [from, to] of stored)
          if (from >= whole[0] && to <= whole[1] && to - from > 4)
            expect(gaps.map(inside)).not.toContain(true);

        /** Whether a stored segment that is worth it lies inside of what is rendered. */
        function inside({ range: [start, end] }: Piece): boolean {
          return stored.some(([from, to]) => from > start && to < end && to - from > 4);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('the order in which the store tells it does not matter', () => {
    fc.assert(
      fc.property(rangeUpTo(60), fc.array(rangeUpTo(60), { maxLength: 12 }), (whole, stored) => {
        expect(framesOf(missing(coverRange(whole, stored.toReversed())))).toBe(
          framesOf(missing(coverRange(whole, stored))),
        );
      }),
    );
  });

  test('a render that stopped half way goes on with the cuts it had', () => {
    const length = fc.integer({ min: 16, max: 256 });
    const ended = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(
        rangeUpTo(600),
        length,
        fc.integer({ min: 1, max: 4 }),
        ended,
        (whole, each, step, done) => {
          const planned = cutAtMultiples(whole, each, step);
          const stored = planned.filter((_, index) => done[index]);
          const again = coverRange(whole, stored, step).flatMap((piece) =>
            piece.stored ? [piece.range] : cutAtMultiples(piece.range, each, step),
          );
          expect(again).toEqual(planned);
        },
      ),
    );
  });
});

describe('examples', () => {
  test('a longer video renders its end only', () => {
    expect(
      coverRange(
        [0, 360],
        [
          [0, 128],
          [128, 256],
          [256, 300],
        ],
      ),
    ).toEqual([
      { range: [0, 128], stored: true },
      { range: [128, 256], stored: true },
      { range: [256, 300], stored: true },
      { range: [300, 360], stored: false },
    ]);
  });

  test('of two ways without a frame to render the one with fewer segments is taken', () => {
    const stored: FrameRange[] = [
      [0, 10],
      [10, 20],
      [20, 30],
      [0, 20],
      [10, 30],
    ];
    expect(coverRange([0, 30], stored)).toHaveLength(2);
  });

  test('one frame in the middle is not worth a page of its own; at the edge it is', () => {
    expect(coverRange([0, 60], [[30, 31]])).toEqual([{ range: [0, 60], stored: false }]);
    expect(coverRange([0, 60], [[0, 1]])).toEqual([
      { range: [0, 1], stored: true },
      { range: [1, 60], stored: false },
    ]);
  });

  test('every third frame: a segment of another phase, or one that ends between steps, does not fit', () => {
    const stored: FrameRange[] = [
      [0, 16],
      [14, 30],
      [6, 14],
    ];
    expect(coverRange([0, 30], stored, 3)).toEqual([{ range: [0, 30], stored: false }]);
    expect(coverRange([0, 14], stored, 3)).toEqual([
      { range: [0, 6], stored: false },
      { range: [6, 14], stored: true },
    ]);
  });
});
