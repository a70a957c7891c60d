import { startFfmpeg } from '../utils/ffmpeg.ts';
import { type PcmStream, readPcm } from './audio-pcm.ts';
import { feed, pcmInput, pcmOutput, stop } from './audio-process.ts';
import { CHANNELS, SAMPLE_RATE } from './audio-timeline.ts';

/** FFmpeg's `atempo` is good from 0.5 to 2: beyond that, as few equal steps as it takes. */
function tempoFilter(rate: number): string {
  const steps = Math.max(1, Math.ceil(Math.abs(Math.log2(rate))));
  const step = Math.min(2, Math.max(0.5, rate ** (1 / steps)));
  return Array(steps).fill(`atempo=${step}`).join(',');
}

/**
 * Plays a sound faster or slower and keeps its pitch. It comes out exactly 1 / rate as long: `atempo` swallows
 * the last window, so it is given silence to swallow.
 */
export async function* stretchPcm(pcm: PcmStream, rate: number, signal: AbortSignal | undefined): PcmStream {
  let taken = 0;
  let limit = Infinity;
  async function* padded(): PcmStream {
    for await (const block of pcm) {
      taken += block.length / CHANNELS;
      yield block;
    }
    limit = Math.round(taken / rate);
    if (taken > 0) yield new Float32Array(Math.ceil(Math.max(1, rate) * SAMPLE_RATE) * CHANNELS);
  }

  const ffmpeg = startFfmpeg([...pcmInput, '-af', tempoFilter(rate), ...pcmOutput], { signal });
  const fed = feed(ffmpeg, padded());
  fed.catch(() => {});
  try {
    let given = 0;
    for await (const block of readPcm(ffmpeg.stdout)) {
      const left = limit - given;
      if (left > 0) yield block.subarray(0, left * CHANNELS);
      given += block.length / CHANNELS;
    }
    await fed;
  } finally {
    await stop(ffmpeg);
    await fed.catch(() => {});
  }
}
