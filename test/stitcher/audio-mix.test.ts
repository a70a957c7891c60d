import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { soundExtension } from '../../src/stitcher/audio-encode.ts';
import { mixAudio } from '../../src/stitcher/audio-mix.ts';
import { AbortedError, AudioError, OutputError } from '../../src/utils/errors.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { decodeAudio, findOnsets } from '../helpers/decode-audio.ts';
import { probe } from '../helpers/media-info.ts';
import {
  beeps,
  childrenLeft,
  constant,
  decodeSides,
  RATE,
  tracksOf,
  whole,
  writeWav,
} from './audio-sounds.ts';

let folder: WorkFolder;
let beepFile = '';
let loudFile = '';

beforeAll(async () => {
  folder = await createWorkFolder('audio-test');
  beepFile = await writeWav(folder.path, 'beeps', beeps(3));
  loudFile = await writeWav(folder.path, 'loud', constant(1, 0.75));
});
afterAll(() => folder[Symbol.asyncDispose]());

const codecs = [
  { codec: 'aac', name: 'aac', container: 'mov,mp4,m4a,3gp,3g2,mj2', tail: 1024 },
  { codec: 'opus', name: 'opus', container: 'matroska,webm', tail: 960 },
  { codec: 'mp3', name: 'mp3', container: 'mp3', tail: 0 },
  { codec: 'wav', name: 'pcm_s16le', container: 'wav', tail: 0 },
] as const;

describe.each(codecs)('$codec', ({ codec, name, container, tail }) => {
  const mixTo = async (file: string) => {
    const outputFile = path.join(folder.path, `${file}.${soundExtension(codec)}`);
    const tracks = tracksOf({ file: beepFile, startTime: 0.4 });
    const result = await mixAudio({ ...whole(4, tracks), codec, outputFile });
    return { outputFile, result };
  };

  test('has its sound in time, and no more than the last frame behind it', async () => {
    const { outputFile, result } = await mixTo('sound');
    expect(result).toMatchObject({ samples: 4 * RATE, sampleRate: RATE, channels: 2, clippedSamples: 0 });
    expect(result.peak).toBeCloseTo(0.5, 5);
    const { streams, format } = await probe(outputFile);
    expect(format.format_name).toBe(container);
    expect(streams).toMatchObject([{ codec_name: name, sample_rate: '48000', channels: 2 }]);

    const { samples } = await decodeAudio(outputFile);
    expect(samples.length).toBeGreaterThanOrEqual(4 * RATE);
    expect(samples.length).toBeLessThanOrEqual(4 * RATE + tail);
    const onsets = findOnsets(samples, RATE);
    expect(onsets).toHaveLength(3);
    for (const [index, onset] of onsets.entries())
      expect(Math.abs(onset - (index + 0.4)) * RATE).toBeLessThan(100);
  });

  test('comes out the same byte for byte', async () => {
    const [one, two] = [await mixTo('one'), await mixTo('two')];
    expect(await readFile(one.outputFile)).toEqual(await readFile(two.outputFile));
  });
});

test('counts the values beyond full scale', async () => {
  const outputFile = path.join(folder.path, 'clipped.wav');
  const tracks = tracksOf({ file: loudFile }, { file: loudFile, startTime: 0.5 });
  const { peak, clippedSamples } = await mixAudio({ ...whole(2, tracks), codec: 'wav', outputFile });
  expect(peak).toBe(1.5);
  expect(clippedSamples).toBe(0.5 * RATE * 2);
  const [left] = await decodeSides(outputFile);
  expect(left[0.75 * RATE]).toBeCloseTo(1, 3);
  expect(left[0.25 * RATE]).toBeCloseTo(0.75, 3);
});

test('a cancelled mix leaves no process and no file', async () => {
  const long = await writeWav(folder.path, 'long', constant(61, 0.25));
  const before = await readdir(folder.path);
  const controller = new AbortController();
  const tracks = tracksOf({ file: beepFile, loop: true, playbackRate: 1.5 }, { file: long, loop: true });
  const outputFile = path.join(folder.path, 'cancelled.m4a');
  const mixed = mixAudio({ ...whole(36_000, tracks), codec: 'aac', outputFile, signal: controller.signal });
  mixed.catch(() => {});
  await sleep(400);
  expect(await childrenLeft()).toBe(3);
  controller.abort();
  await expect(mixed).rejects.toThrow(AbortedError);
  expect(await readdir(folder.path)).toEqual(before);
  expect(await childrenLeft()).toBe(0);
});

test('a source that fails halfway leaves no process and no file', async () => {
  const before = await readdir(folder.path);
  const tracks = tracksOf({ file: beepFile, loop: true }, { file: '/nowhere/sound.wav', startTime: 5 });
  const outputFile = path.join(folder.path, 'failed.m4a');
  const mixed = mixAudio({ ...whole(10, tracks), codec: 'aac', outputFile });
  await expect(mixed).rejects.toThrow(AudioError);
  expect(await readdir(folder.path)).toEqual(before);
  expect(await childrenLeft()).toBe(0);
});

test('a folder that is not there is an OutputError', async () => {
  const outputFile = path.join(folder.path, 'no', 'such', 'folder.m4a');
  const mixed = mixAudio({ ...whole(1, tracksOf({ file: beepFile })), codec: 'aac', outputFile });
  await expect(mixed).rejects.toThrow(OutputError);
});

test('without tracks it is silence', async () => {
  const outputFile = path.join(folder.path, 'silence.wav');
  const options = { tracks: [], openSource: async () => '' };
  expect(await mixAudio({ ...whole(2, options), codec: 'wav', outputFile })).toMatchObject({
    samples: 2 * RATE,
    peak: 0,
  });
});
