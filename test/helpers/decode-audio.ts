import { probe } from './media-info.ts';
import { ffmpegPath, runTool } from './tools.ts';

export interface DecodedAudio {
  /** The mean of all channels, -1 to 1; sample 0 is at the file's time 0. */
  readonly samples: Float32Array;
  /** Hertz. */
  readonly sampleRate: number;
}

const SAMPLE_RATE = 48_000;

/**
 * The first sound of a file as players play it, at 48 kHz: what an edit list cuts off (an encoder's priming) is
 * gone, and a sound that starts late has silence before it.
 */
export async function decodeAudio(file: string): Promise<DecodedAudio> {
  // The file's own times count, save for MP3, which has none and where FFmpeg writes the priming into the start.
  const { format, streams } = await probe(file);
  const ownTimes = format.format_name === 'mp3' ? [] : ['-copyts'];
  const { channels = 1 } = streams.find((stream) => stream.codec_type === 'audio') ?? {};
  const share = 1 / channels;
  // FFmpeg's own way to one channel (-ac 1) makes 1.41 of left = right = 1.
  const mean = Array.from({ length: channels }, (_, channel) => `${share}*c${channel}`).join('+');
  const filters = `aresample=${SAMPLE_RATE}:async=1:first_pts=0,aformat=sample_fmts=flt,pan=mono|c0=${mean}`;
  const output = await runTool(ffmpegPath, [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', ...ownTimes, '-i', file, '-map', '0:a:0'],
    ...['-af', filters, '-f', 'f32le', '-'],
  ]);
  const bytes = new Uint8Array(output.length - (output.length % 4));
  bytes.set(output.subarray(0, bytes.length));
  return { samples: new Float32Array(bytes.buffer), sampleRate: SAMPLE_RATE };
}

/**
 * When sounds begin, in seconds: each sample that reaches `threshold` (0 to 1) after at least `quietSeconds`
 * below it.
 */
export function findOnsets(
  samples: Float32Array,
  sampleRate: number,
  threshold = 0.1,
  quietSeconds = 0.05,
): number[] {
  const onsets: number[] = [];
  let lastLoud = Number.NEGATIVE_INFINITY;
  for (const [index, sample] of samples.entries()) {
    if (Math.abs(sample) < threshold) continue;
    if (index - lastLoud > quietSeconds * sampleRate) onsets.push(index / sampleRate);
    lastLoud = index;
  }
  return onsets;
}
