import type { AudioTrack } from '../types/audio.ts';
import { type Fps, toRational } from '../types/fps.ts';
import { easingOf } from './audio-easing.ts';

/** Samples of each channel a second. All counts and places of samples are of each channel. */
export const SAMPLE_RATE = 48_000;
export const CHANNELS = 2;

/** How many samples this many frames last, to the nearest one: computed with integers, exact for any length. */
export function framesToSamples(frames: number, fps: Fps): number {
  const { num, den } = toRational(fps);
  const divisor = 2n * BigInt(num);
  return Number((2n * BigInt(frames) * BigInt(den) * BigInt(SAMPLE_RATE) + BigInt(num)) / divisor);
}

/** The nearest sample to a time in seconds. */
export function secondsToSamples(seconds: number): number {
  return Math.round(seconds * SAMPLE_RATE);
}

/** Samples of the timeline, `[start, end)`. */
export interface SampleSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Where a track is heard, counted from frame 0 of the composition.
 * @param timelineEnd the composition's length in samples
 * @param sourceSamples the source's length, where it is known to end the track
 */
export function trackSpan(track: AudioTrack, timelineEnd: number, sourceSamples = Infinity): SampleSpan {
  const start = secondsToSamples(track.startTime);
  const { mediaStart, playbackRate, endTime = Infinity } = track;
  const played = Math.round((sourceSamples - secondsToSamples(mediaStart)) / playbackRate);
  return { start, end: Math.min(secondsToSamples(endTime), timelineEnd, start + Math.max(0, played)) };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** The gain of a track at a sample of the timeline, 0 to 1: its volume times the fades at both ends of its span. */
export function envelope(track: AudioTrack, span: SampleSpan): (sample: number) => number {
  const { volume } = track;
  const ease = easingOf(track.fadeEasing);
  const fadeIn = track.fadeIn * SAMPLE_RATE;
  const fadeOut = track.fadeOut * SAMPLE_RATE;
  const share = (samples: number, fade: number) => (fade > 0 ? ease(clamp(samples / fade)) : 1);
  const steadyFrom = span.start + fadeIn;
  const steadyTo = span.end - fadeOut;
  return (sample) =>
    sample >= steadyFrom && sample <= steadyTo
      ? volume
      : clamp(volume * share(sample - span.start, fadeIn) * share(span.end - sample, fadeOut));
}
