import { rename, rm, writeFile } from 'node:fs/promises';
import type { AudioCodec } from '../types/encoding.ts';
import { startFfmpeg } from '../utils/ffmpeg.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import type { PcmStream } from './audio-pcm.ts';
import { feed, pcmInput, stop } from './audio-process.ts';

export type SoundCodec = Exclude<AudioCodec, 'none'>;

interface Encoder {
  /** Of the file that holds the mix until the stitcher copies it beside the video. */
  readonly extension: string;
  readonly args: (bitrate: string | undefined) => readonly string[];
}

const encoders: Readonly<Record<SoundCodec, Encoder>> = {
  aac: { extension: 'm4a', args: (bitrate = '320k') => ['-c:a', 'aac', '-b:a', bitrate, '-f', 'mp4'] },
  opus: { extension: 'webm', args: (bitrate = '192k') => ['-c:a', 'libopus', '-b:a', bitrate, '-f', 'webm'] },
  mp3: { extension: 'mp3', args: (bitrate = '192k') => ['-c:a', 'libmp3lame', '-b:a', bitrate, '-f', 'mp3'] },
  wav: { extension: 'wav', args: () => ['-c:a', 'pcm_s16le', '-rf64', 'auto', '-f', 'wav'] },
};

/** The ending, without a dot, of the file that a codec's mix is written to. */
export function soundExtension(codec: SoundCodec): string {
  return encoders[codec].extension;
}

export interface EncodeOptions {
  readonly codec: SoundCodec;
  /** Bits a second, such as `192k`; PCM has none. @default 320k for aac, 192k for opus and mp3 */
  readonly bitrate?: string | undefined;
  /** Appears whole or not at all. */
  readonly outputFile: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Encodes a sound in one go. The same samples give the same bytes.
 * @throws EncoderError, DiskFullError, OutputError, AbortedError, and what the sound throws
 */
export async function encodePcm(pcm: PcmStream, options: EncodeOptions): Promise<void> {
  const { outputFile } = options;
  const partial = `${outputFile}.part`;
  const failed = (error: unknown): never => {
    throw toWriteError(error, outputFile);
  };
  try {
    await writeFile(partial, '').catch(failed);
    await runEncoder(pcm, partial, options);
    await rename(partial, outputFile).catch(failed);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function runEncoder(pcm: PcmStream, file: string, options: EncodeOptions): Promise<void> {
  const { codec, bitrate, signal } = options;
  const bitexact = ['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
  const ffmpeg = startFfmpeg([...pcmInput, ...bitexact, ...encoders[codec].args(bitrate), `file:${file}`], {
    signal,
  });
  try {
    await feed(ffmpeg, pcm);
  } finally {
    await stop(ffmpeg);
  }
}
