import type { AudioSource, AudioTrack } from '../types/audio.ts';
import type { Fps } from '../types/fps.ts';
import type { FrameRange } from '../types/render-job.ts';
import { throwIfAborted } from '../utils/abort.ts';
import type { PcmStream } from './audio-pcm.ts';
import { CHANNELS, framesToSamples, SAMPLE_RATE } from './audio-timeline.ts';
import { Voice } from './audio-voice.ts';

const BLOCK_SAMPLES = SAMPLE_RATE;

export interface MixOptions {
  readonly tracks: readonly AudioTrack[];
  /** The composition's frames that the output shows; the mix begins at the first one. */
  readonly frameRange: FrameRange;
  /** The composition's length: a track without an `endTime` ends there at the latest, and fades out before it. */
  readonly durationInFrames: number;
  readonly fps: Fps;
  /** The source as a file of this machine; called once a source, when it is first heard. */
  readonly openSource: (source: AudioSource) => Promise<string>;
  readonly signal?: AbortSignal | undefined;
}

/** Opens each source once, however many tracks play it. */
function sharedOpener(open: MixOptions['openSource']): MixOptions['openSource'] {
  const opened = new Map<string, Promise<string>>();
  return (source) => {
    const key = JSON.stringify(source);
    const file = opened.get(key) ?? open(source);
    opened.set(key, file);
    return file;
  };
}

/**
 * The sum of all tracks, a second at a time, exactly as many samples as the frames last. No sample depends on
 * where the range begins: the mix of a range is that part of the mix of the whole. Nothing is limited.
 * @throws AudioError, AbortedError
 */
export async function* mixPcm(options: MixOptions): PcmStream {
  const { tracks, frameRange, durationInFrames, fps, signal } = options;
  const [first, afterLast] = frameRange;
  const start = framesToSamples(first, fps);
  const end = start + framesToSamples(afterLast - first, fps);
  const timelineEnd = framesToSamples(durationInFrames, fps);
  const open = sharedOpener(options.openSource);
  const voices = tracks.map(
    (track) => new Voice({ track, timelineEnd, file: () => open(track.source), signal }),
  );
  try {
    for (let at = start; at < end; at += BLOCK_SAMPLES) {
      throwIfAborted(signal);
      const mix = new Float32Array(Math.min(BLOCK_SAMPLES, end - at) * CHANNELS);
      for (const voice of voices) await voice.addTo(mix, at);
      yield mix;
    }
  } finally {
    await Promise.allSettled(voices.map((voice) => voice.close()));
  }
}
