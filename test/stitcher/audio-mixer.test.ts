import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { easingOf } from '../../src/stitcher/audio-easing.ts';
import { framesToSamples } from '../../src/stitcher/audio-timeline.ts';
import { fadeEasings } from '../../src/types/audio.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import {
  beeps,
  childrenLeft,
  constant,
  make,
  mixDown,
  onsetsIn,
  RATE,
  ramp,
  tracksOf,
  whole,
  writeWav,
} from './audio-sounds.ts';

let folder: WorkFolder;
const sound: Record<'ramp' | 'beeps' | 'ones' | 'loop' | 'mute', string> = {
  ramp: '',
  beeps: '',
  ones: '',
  loop: '',
  mute: '',
};

beforeAll(async () => {
  folder = await createWorkFolder('audio-test');
  sound.ramp = await writeWav(folder.path, 'ramp', ramp(3 * RATE));
  sound.beeps = await writeWav(folder.path, 'beeps', beeps(3));
  sound.ones = await writeWav(folder.path, 'ones', constant(2, 1));
  sound.loop = await writeWav(folder.path, 'loop', ramp(12_345));
  const video = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:d=1', '-c:v', 'libx264', '-threads', '1'];
  sound.mute = await make(folder.path, 'mute.mp4', ...video);
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('place', () => {
  test('plays a source from startTime on, to the sample, on both sides at full level', async () => {
    const [left, right] = await mixDown(whole(5, tracksOf({ file: sound.ramp, startTime: 0.7 })));
    const expected = new Float32Array(5 * RATE);
    expected.set(ramp(3 * RATE), 0.7 * RATE);
    expect(left).toEqual(expected);
    expect(right).toEqual(expected);
  });

  test('starts at mediaStart and stops at endTime', async () => {
    const track = { file: sound.ramp, startTime: 0.5, mediaStart: 1.25, endTime: 1.75 };
    const [left] = await mixDown(whole(3, tracksOf(track)));
    const expected = new Float32Array(3 * RATE);
    expected.set(ramp(3 * RATE).subarray(1.25 * RATE, 2.5 * RATE), 0.5 * RATE);
    expect(left).toEqual(expected);
  });

  test('a track that ends before it starts, or starts after the composition, is not opened', async () => {
    const { tracks } = tracksOf({ file: 'a', startTime: 2, endTime: 1 }, { file: 'b', startTime: 9 });
    const openSource = () => Promise.reject(new Error('opened'));
    const [left] = await mixDown(whole(3, { tracks, openSource }));
    expect(left.every((value) => value === 0)).toBe(true);
  });
});

describe('loop', () => {
  test('begins again at the start of the source, not at mediaStart, without a gap', async () => {
    const track = { file: sound.loop, loop: true, mediaStart: 0.1, startTime: 0.2, endTime: 2.5 };
    const [left] = await mixDown(whole(3, tracksOf(track)));
    const expected = new Float32Array(3 * RATE);
    for (let i = 0.2 * RATE; i < 2.5 * RATE; i++)
      expected[i] = (((i - 0.2 * RATE + 0.1 * RATE) % 12_345) + 1) / 2 ** 23;
    expect(left).toEqual(expected);
  });

  test('a loop too long to keep is decoded again for each pass', async () => {
    const samples = 61 * RATE + 7;
    const file = await writeWav(folder.path, 'long', ramp(samples));
    const fps = 30;
    const options = { ...tracksOf({ file, loop: true }), durationInFrames: 200 * fps, fps };
    const [left] = await mixDown({ ...options, frameRange: [121 * fps, 124 * fps] });
    const expected = Float32Array.from(left, (_, i) => (((i + 121 * RATE) % samples) + 1) / 2 ** 23);
    expect(left).toEqual(expected);
  });

  test('a loop without a single sample is silent', async () => {
    const file = await writeWav(folder.path, 'empty', new Float32Array(0));
    const [left] = await mixDown(whole(1, tracksOf({ file, loop: true }, { file: sound.mute, loop: true })));
    expect(left).toEqual(new Float32Array(RATE));
  });
});

describe('level', () => {
  test('multiplies by the volume and sums without a limit', async () => {
    const tracks = tracksOf({ file: sound.ones, volume: 0.5 }, { file: sound.ones, startTime: 1 });
    const [left] = await mixDown(whole(3, tracks));
    expect(left).toEqual(Float32Array.from(left, (_, i) => (i < RATE ? 0.5 : i < 2 * RATE ? 1.5 : 1)));
  });

  test('keeps the sides of a stereo source', async () => {
    const pair = Float32Array.from({ length: RATE * 2 }, (_, i) => (i % 2 === 0 ? 0.25 : -0.75));
    const file = await writeWav(folder.path, 'stereo', pair, 2);
    const [left, right] = await mixDown(whole(1, tracksOf({ file })));
    expect(left.every((value) => value === 0.25) && right.every((value) => value === -0.75)).toBe(true);
  });

  test.each(fadeEasings)('fades in and out with %s', async (fadeEasing) => {
    const track = { file: sound.ones, startTime: 0.5, fadeIn: 0.4, fadeOut: 0.8, volume: 0.9, fadeEasing };
    const [left] = await mixDown(whole(3, tracksOf(track)));
    const ease = easingOf(fadeEasing);
    const expected = Float32Array.from(left, (_, i) => {
      const into = i / RATE - 0.5;
      if (into < 0 || into >= 2) return 0;
      const level = 0.9 * ease(Math.min(1, into / 0.4)) * ease(Math.min(1, (2 - into) / 0.8));
      return Math.min(1, Math.max(0, level));
    });
    const worst = left.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? 0))), 0);
    expect(worst).toBeLessThan(1e-6);
  });

  test.each([
    { name: 'endTime', track: { endTime: 1.5 }, seconds: 4, end: 1.5 },
    { name: 'the composition', track: {}, seconds: 1, end: 1 },
    { name: 'the source', track: { mediaStart: 0.5 }, seconds: 4, end: 1.5 },
    { name: 'the composition, in a loop', track: { loop: true }, seconds: 4, end: 4 },
    { name: 'a source played faster', track: { playbackRate: 2 }, seconds: 4, end: 1 },
  ])('fades out before the end of $name', async ({ track, seconds, end }) => {
    const tracks = tracksOf({ file: sound.ones, fadeOut: 0.5, ...track });
    const [left] = await mixDown(whole(seconds, tracks));
    expect(left[(end - 0.25) * RATE]).toBeCloseTo(0.5, 3);
    expect(left[end * RATE - 1]).toBeLessThan(0.001);
    expect(left.subarray(end * RATE).every((value) => value === 0)).toBe(true);
  });
});

describe('playbackRate', () => {
  test.each([0.25, 0.5, 0.8, 1.5, 2, 4, 16])(
    '%d makes it 1 / rate as long, to the sample',
    async (playbackRate) => {
      const file = await writeWav(folder.path, 'tone', constant(2, 0.5));
      const seconds = Math.ceil(2 / playbackRate) + 1;
      const [left] = await mixDown(whole(seconds, tracksOf({ file, playbackRate })));
      const last = left.findLastIndex((value) => value !== 0);
      const length = Math.round((2 * RATE) / playbackRate);
      expect(last).toBeLessThan(length);
      expect(last).toBeGreaterThan(length - 2500);
    },
  );

  test('keeps the pitch and the places of the beeps', async () => {
    const [left] = await mixDown(whole(3, tracksOf({ file: sound.beeps, playbackRate: 1.5 })));
    const onsets = onsetsIn(left);
    expect(onsets).toHaveLength(3);
    for (const [index, onset] of onsets.entries())
      expect(Math.abs(onset / RATE - index / 1.5)).toBeLessThan(0.03);
    const tone = left.subarray(240, 1200);
    const crossings = tone.reduce(
      (n, value, i) => n + (value >= 0 !== (tone[i - 1] ?? value) >= 0 ? 1 : 0),
      0,
    );
    expect(Math.abs(crossings - 40)).toBeLessThanOrEqual(2);
  });

  test('goes on over the seams of a loop', async () => {
    const file = await writeWav(folder.path, 'short', constant(0.3, 0.5));
    const [left] = await mixDown(whole(3, tracksOf({ file, loop: true, playbackRate: 0.75 })));
    expect(left.subarray(RATE / 10).every((value) => Math.abs(value - 0.5) < 0.01)).toBe(true);
    expect(await childrenLeft()).toBe(0);
  });
});

describe('range', () => {
  test.each([
    { fps: 30, from: 37, to: 118 },
    { fps: '30000/1001', from: 37, to: 118 },
    { fps: '30000/1001', from: 1, to: 2 },
    { fps: '24000/1001', from: 60, to: 120 },
  ])('[$from, $to) at $fps is that part of the whole', async ({ fps, from, to }) => {
    const durationInFrames = 120;
    const mp3 = await make(folder.path, 'slice.mp3', '-i', sound.beeps);
    const tracks = tracksOf(
      { file: sound.ramp, startTime: 0.33, fadeIn: 2, fadeOut: 1.2, fadeEasing: 'sine.inOut' },
      { file: mp3, startTime: 0.1, mediaStart: 0.4, volume: 0.7 },
      { file: sound.loop, loop: true, startTime: 0.9, mediaStart: 0.05, fadeOut: 1 },
      { file: sound.beeps, playbackRate: 1.3, fadeOut: 0.5 },
      { file: sound.loop, loop: true, playbackRate: 0.6, endTime: 3.1 },
    );
    const options = { ...tracks, durationInFrames, fps };
    const [allLeft, allRight] = await mixDown({ ...options, frameRange: [0, durationInFrames] });
    const [partLeft, partRight] = await mixDown({ ...options, frameRange: [from, to] });
    const start = framesToSamples(from, fps);
    const samples = framesToSamples(to - from, fps);
    expect(partLeft).toHaveLength(samples);
    expect(partLeft).toEqual(allLeft.subarray(start, start + samples));
    expect(partRight).toEqual(allRight.subarray(start, start + samples));
  });

  test('is exactly as long as its frames over ten minutes at 30000/1001', async () => {
    const durationInFrames = 17_982;
    const tracks = tracksOf({ file: sound.mute, startTime: 1 });
    const options = { ...tracks, durationInFrames, fps: '30000/1001' };
    const [left] = await mixDown({ ...options, frameRange: [0, durationInFrames] });
    expect(left).toHaveLength(Math.round((17_982 * 1001 * 48) / 30));
  });
});
