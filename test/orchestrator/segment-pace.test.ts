import { beforeEach, expect, test } from 'vitest';
import { SegmentPace } from '../../src/orchestrator/segment-pace.ts';

let now: number;
let pace: SegmentPace;
beforeEach(() => {
  now = 0;
  // 100 ms a frame.
  pace = new SegmentPace(100, () => now);
});

function finish(...indexes: number[]): void {
  for (const index of indexes) pace.ended(index, true);
}

test('a segment four times slower than the median of its siblings is one', () => {
  for (const index of [0, 1, 2, 3]) pace.began(index, 200);
  now = 20_000;
  finish(0, 1);
  pace.told(2, 60);
  pace.told(3, 51);
  expect(pace.stragglers()).toEqual([]);
  now = 25_000;
  pace.told(2, 75);
  expect(pace.stragglers()).toEqual([3]);
  now = 30_001;
  expect(pace.stragglers()).toEqual([3, 2]);
});

test('running siblings count, and one that stops where it is falls behind', () => {
  pace.began(0, 500);
  pace.began(1, 500);
  for (now = 5_000; now <= 20_000; now += 5_000) {
    pace.told(0, now / 100);
    pace.told(1, Math.min(40, now / 100));
  }
  now = 16_000;
  expect(pace.stragglers()).toEqual([]);
  now = 17_000;
  expect(pace.stragglers()).toEqual([1]);
});

test('one that tells nothing has four times the time of a whole segment', () => {
  pace.began(0, 200);
  pace.began(1, 200);
  now = 20_000;
  finish(0);
  now = 80_000;
  expect(pace.stragglers()).toEqual([]);
  now = 80_001;
  expect(pace.stragglers()).toEqual([1]);
});

test('nothing is a straggler in its first ten seconds, without siblings, or beside the plan’s own measure', () => {
  pace.began(0, 10);
  pace.began(1, 10);
  now = 100;
  finish(0);
  now = 9_999;
  expect(pace.stragglers()).toEqual([]);
  now = 10_000;
  expect(pace.stragglers()).toEqual([1]);

  const alone = new SegmentPace(100, () => now);
  alone.began(0, 10);
  now = 1e9;
  expect(alone.stragglers()).toEqual([]);

  now = 0;
  const still = new SegmentPace(100, () => now);
  still.began(0, 300);
  still.began(1, 300);
  now = 1_000;
  still.ended(0, true);
  now = 20_000;
  still.told(1, 60);
  expect(still.stragglers()).toEqual([]);
});

test('an attempt that begins anew after an error is measured anew; one that has ended is none', () => {
  pace.began(0, 10);
  pace.began(1, 10);
  now = 1_000;
  finish(0);
  now = 9_000;
  pace.began(1, 10);
  now = 18_000;
  expect(pace.stragglers()).toEqual([]);
  now = 19_000;
  expect(pace.stragglers()).toEqual([1]);
  pace.ended(1, false);
  expect(pace.stragglers()).toEqual([]);
});
