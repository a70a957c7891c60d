import { type EncodeOptions, encodePcm } from './audio-encode.ts';
import { type MixOptions, mixPcm } from './audio-mixer.ts';
import type { PcmStream } from './audio-pcm.ts';
import { CHANNELS, SAMPLE_RATE } from './audio-timeline.ts';

export interface AudioMixOptions extends MixOptions, EncodeOptions {}

export interface AudioMixResult {
  /** Samples of each channel before the encoder. */
  readonly samples: number;
  /** Hertz. */
  readonly sampleRate: number;
  readonly channels: number;
  /** The loudest value, as a share of full scale. */
  readonly peak: number;
  /** Values beyond full scale, of both channels: players clip them. */
  readonly clippedSamples: number;
}

interface Level {
  values: number;
  peak: number;
  clipped: number;
}

async function* metered(pcm: PcmStream, level: Level): PcmStream {
  for await (const block of pcm) {
    level.values += block.length;
    for (const value of block) {
      const loudness = Math.abs(value);
      if (loudness > level.peak) level.peak = loudness;
      if (loudness > 1) level.clipped++;
    }
    yield block;
  }
}

/**
 * Mixes all tracks over the frames of a range and encodes the sum once, as 48 kHz stereo. Memory does not grow
 * with the length.
 * @throws AudioError when a source can't be read, AbortedError, EncoderError, DiskFullError, OutputError
 */
export async function mixAudio(options: AudioMixOptions): Promise<AudioMixResult> {
  const level: Level = { values: 0, peak: 0, clipped: 0 };
  await encodePcm(metered(mixPcm(options), level), options);
  return {
    samples: level.values / CHANNELS,
    sampleRate: SAMPLE_RATE,
    channels: CHANNELS,
    peak: level.peak,
    clippedSamples: level.clipped,
  };
}
