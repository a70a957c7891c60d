import { pipeline } from 'node:stream/promises';
import { HeliosError } from '../utils/errors.ts';
import type { FfmpegProcess } from '../utils/ffmpeg.ts';
import { type PcmStream, toBytes } from './audio-pcm.ts';
import { CHANNELS, SAMPLE_RATE } from './audio-timeline.ts';

/** FFmpeg's options for PCM on its stdin. */
export const pcmInput = [
  ...['-protocol_whitelist', 'pipe', '-f', 'f32le', '-ar', String(SAMPLE_RATE), '-ac', String(CHANNELS)],
  ...['-i', 'pipe:0'],
] as const;

/** FFmpeg's options for PCM on its stdout; what comes before must be stereo at 48 kHz. */
export const pcmOutput = ['-c:a', 'pcm_f32le', '-f', 'f32le', 'pipe:1'] as const;

async function* bytesOf(pcm: PcmStream): AsyncGenerator<Uint8Array> {
  for await (const block of pcm) yield toBytes(block);
}

/**
 * Writes a sound into FFmpeg as fast as FFmpeg takes it, and waits until FFmpeg has ended. Of two failures the
 * sound's own is thrown, not the broken pipe that it leaves behind.
 */
export async function feed(ffmpeg: FfmpegProcess, pcm: PcmStream): Promise<void> {
  const [written, ended] = await Promise.allSettled([pipeline(bytesOf(pcm), ffmpeg.stdin), ffmpeg.done]);
  if (written.status === 'rejected' && written.reason instanceof HeliosError) throw written.reason;
  if (ended.status === 'rejected') throw ended.reason;
  if (written.status === 'rejected') throw written.reason;
}

/** Kills FFmpeg if it still runs, and waits until it is gone. */
export async function stop(ffmpeg: FfmpegProcess): Promise<void> {
  ffmpeg.kill();
  ffmpeg.stdout.destroy();
  await ffmpeg.done.catch(() => {});
}
