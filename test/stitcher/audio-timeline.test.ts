import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { envelope, framesToSamples, trackSpan } from '../../src/stitcher/audio-timeline.ts';
import { audioTrackSchema } from '../../src/types/audio.ts';
import { MAX_DURATION_IN_FRAMES } from '../../src/types/composition.ts';
import { fpsSchema, toRational } from '../../src/types/fps.ts';

const rates = fc
  .oneof(
    fc.constantFrom(24, 25, 30, 60, 29.97, 23.976, 59.94, '30000/1001', '24000/1001'),
    fc.integer({ min: 1, max: 240 }),
    fc.tuple(fc.integer({ min: 1001, max: 240_240 }), fc.constant(1001)).map(([num, den]) => `${num}/${den}`),
  )
  .map((rate) => fpsSchema.parse(rate));
const frameCounts = fc.integer({ min: 0, max: MAX_DURATION_IN_FRAMES });
const SAMPLE_RATE = 48_000n;

describe('framesToSamples', () => {
  test('is the nearest whole number to frames × den × 48000 / num', () => {
    fc.assert(
      fc.property(rates, frameCounts, (fps, frames) => {
        const { num, den } = toRational(fps);
        const samples = BigInt(framesToSamples(frames, fps));
        const twiceError = 2n * (samples * BigInt(num) - BigInt(frames) * BigInt(den) * SAMPLE_RATE);
        expect(twiceError <= BigInt(num) && twiceError > -BigInt(num) - 1n).toBe(true);
      }),
    );
  });

  test('cut into ranges, is at most half a sample off at each cut, and never drifts', () => {
    fc.assert(
      fc.property(rates, frameCounts, frameCounts, (fps, a, b) => {
        const whole = framesToSamples(a + b, fps);
        expect(Math.abs(framesToSamples(a, fps) + framesToSamples(b, fps) - whole)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test.each([
    { frames: 30, fps: 30, samples: 48_000 },
    { frames: 30_000, fps: '30000/1001', samples: 48_048_000 },
    { frames: 1, fps: '30000/1001', samples: 1602 },
    { frames: 17_982, fps: '30000/1001', samples: 28_799_971 },
    { frames: 1, fps: '24000/1001', samples: 2002 },
  ])('$frames frames at $fps are $samples samples', ({ frames, fps, samples }) => {
    expect(framesToSamples(frames, fps)).toBe(samples);
  });
});

const track = (overrides: object) =>
  audioTrackSchema.parse({
    id: 'music',
    source: { kind: 'blob', sha256: '0'.repeat(64) },
    startTime: 1,
    ...overrides,
  });

describe('trackSpan', () => {
  test.each([
    { name: 'the composition', overrides: {}, source: undefined, end: 480_000 },
    { name: 'endTime', overrides: { endTime: 4 }, source: undefined, end: 192_000 },
    { name: 'the source', overrides: {}, source: 96_000, end: 144_000 },
    { name: 'the source from mediaStart on', overrides: { mediaStart: 0.5 }, source: 96_000, end: 120_000 },
    { name: 'the source at its rate', overrides: { playbackRate: 2 }, source: 96_000, end: 96_000 },
    { name: 'a source that is over at once', overrides: { mediaStart: 5 }, source: 96_000, end: 48_000 },
  ])('ends with $name', ({ overrides, source, end }) => {
    expect(trackSpan(track(overrides), 480_000, source)).toEqual({ start: 48_000, end });
  });
});

describe('envelope', () => {
  test('stays between 0 and 1, and is the volume between the fades', () => {
    const span = { start: 48_000, end: 144_000 };
    const gain = envelope(track({ volume: 0.9, fadeIn: 0.5, fadeOut: 0.5, fadeEasing: 'elastic.out' }), span);
    for (let sample = span.start; sample < span.end; sample += 7) {
      expect(gain(sample)).toBeGreaterThanOrEqual(0);
      expect(gain(sample)).toBeLessThanOrEqual(1);
    }
    expect(gain(96_000)).toBe(0.9);
  });

  test('multiplies fades that overlap', () => {
    const gain = envelope(track({ fadeIn: 2, fadeOut: 2 }), { start: 48_000, end: 144_000 });
    expect(gain(96_000)).toBe(0.25);
  });
});
