import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AudioMixOptions } from '../../src/stitcher/audio-mix.ts';
import { type MixOptions, mixPcm } from '../../src/stitcher/audio-mixer.ts';
import { toBytes } from '../../src/stitcher/audio-pcm.ts';
import { type AudioTrack, audioTrackSchema } from '../../src/types/audio.ts';
import { findOnsets } from '../helpers/decode-audio.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

export const RATE = 48_000;

/** A WAV file of 32-bit floats: what is written is what a decoder gives back, bit for bit. */
export function floatWav(samples: Float32Array, channels = 1): Uint8Array {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(3, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * channels * 4, 28);
  header.writeUInt16LE(channels * 4, 32);
  header.writeUInt16LE(32, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}

/** A sound whose every sample says where it is: sample i is (i + 1) / 2^23. */
export function ramp(samples: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, i) => (i + 1) / 2 ** 23);
}

export function constant(seconds: number, value: number): Float32Array {
  return new Float32Array(Math.round(seconds * RATE)).fill(value);
}

/** 50 ms of 1 kHz at the start of each second. */
export function beeps(seconds: number): Float32Array {
  return Float32Array.from({ length: seconds * RATE }, (_, i) =>
    i % RATE < RATE / 20 ? 0.5 * Math.sin((2 * Math.PI * 1000 * (i % RATE)) / RATE) : 0,
  );
}

/** The samples at which sounds begin. */
export function onsetsIn(samples: Float32Array): number[] {
  return findOnsets(samples, RATE, 0.01).map((seconds) => Math.round(seconds * RATE));
}

export async function writeWav(
  folder: string,
  name: string,
  samples: Float32Array,
  channels = 1,
): Promise<string> {
  const file = path.join(folder, `${name}.wav`);
  await writeFile(file, floatWav(samples, channels));
  return file;
}

/** Makes a file with FFmpeg. */
export async function make(folder: string, name: string, ...args: string[]): Promise<string> {
  const file = path.join(folder, name);
  await runTool(ffmpegPath, ['-nostdin', '-loglevel', 'error', '-y', ...args, file]);
  return file;
}

type TrackInput = Partial<Omit<AudioTrack, 'source'>> & { readonly file: string };

/** Tracks of local files: each file's path stands in a URL that `openSource` takes apart again. */
export function tracksOf(...tracks: TrackInput[]): Pick<MixOptions, 'tracks' | 'openSource'> {
  return {
    tracks: tracks.map(({ file, ...rest }, index) =>
      audioTrackSchema.parse({
        id: `track-${index}`,
        startTime: 0,
        ...rest,
        source: { kind: 'url', url: `http://sounds.test/?file=${encodeURIComponent(file)}` },
      }),
    ),
    openSource: async (source) =>
      (source.kind === 'url' && new URL(source.url).searchParams.get('file')) || 'missing',
  };
}

export type Sides = readonly [left: Float32Array, right: Float32Array];

function sidesOf(pcm: Float32Array): Sides {
  const side = (channel: number) =>
    Float32Array.from({ length: pcm.length / 2 }, (_, i) => pcm[2 * i + channel] ?? 0);
  return [side(0), side(1)];
}

/** The whole mix in memory. */
export async function mixDown(options: MixOptions): Promise<Sides> {
  const blocks: Float32Array[] = [];
  for await (const block of mixPcm(options)) blocks.push(block);
  return sidesOf(new Float32Array(new Uint8Array(Buffer.concat(blocks.map(toBytes))).buffer));
}

/** The first sound of a file, not mixed to mono. */
export async function decodeSides(file: string): Promise<Sides> {
  const output = await runTool(ffmpegPath, [
    '-loglevel',
    'error',
    '-i',
    file,
    '-f',
    'f32le',
    '-ac',
    '2',
    '-',
  ]);
  return sidesOf(new Float32Array(new Uint8Array(output).buffer));
}

/** Options for a composition of so many seconds at 30 fps, heard in full. */
export function whole(
  seconds: number,
  tracks: Pick<MixOptions, 'tracks' | 'openSource'>,
): Omit<AudioMixOptions, 'codec' | 'outputFile'> {
  const frames = seconds * 30;
  return { ...tracks, frameRange: [0, frames], durationInFrames: frames, fps: 30 };
}

/** How many processes of FFmpeg this process started that still run. */
export async function childrenLeft(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.filter((stat) => new RegExp(`^\\d+ \\(ffmpeg\\) [^Z] ${process.pid} `).test(stat)).length;
}
