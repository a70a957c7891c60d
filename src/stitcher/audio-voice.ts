import type { AudioTrack } from '../types/audio.ts';
import { decodePcm } from './audio-decode.ts';
import { countSamples, PcmReader, type PcmStream, repeatPcm, skipPcm } from './audio-pcm.ts';
import { stretchPcm } from './audio-tempo.ts';
import { CHANNELS, envelope, type SampleSpan, secondsToSamples, trackSpan } from './audio-timeline.ts';

interface VoiceOptions {
  readonly track: AudioTrack;
  /** The composition's length in samples. */
  readonly timelineEnd: number;
  /** The source as a file of this machine. */
  readonly file: () => Promise<string>;
  readonly signal: AbortSignal | undefined;
}

interface Playing {
  readonly reader: PcmReader;
  readonly span: SampleSpan;
  readonly gain: (sample: number) => number;
}

/** One track being played: opened when it is first heard, closed after its last sample. */
export class Voice {
  readonly #options: VoiceOptions;
  readonly #span: SampleSpan;
  #playing: Playing | undefined;
  #ended = false;

  constructor(options: VoiceOptions) {
    this.#options = options;
    this.#span = trackSpan(options.track, options.timelineEnd);
  }

  /** Adds the track to a stretch of the timeline that begins at `from`. The stretches must follow each other. */
  async addTo(mix: Float32Array, from: number): Promise<void> {
    const until = from + mix.length / CHANNELS;
    let at = Math.max(from, this.#span.start);
    if (this.#ended || at >= Math.min(until, this.#span.end)) return;
    this.#playing ??= await this.#open(at);
    const { reader, span, gain } = this.#playing;
    const end = Math.min(until, span.end);
    while (at < end) {
      const pcm = await reader.read(end - at);
      if (pcm.length === 0) break;
      add(mix, (at - from) * CHANNELS, pcm, at, gain);
      at += pcm.length / CHANNELS;
    }
    if (at < end || end === span.end) await this.close();
  }

  async #open(at: number): Promise<Playing> {
    const { track, file, signal } = this.#options;
    const source = await file();
    const decode = (): PcmStream => decodePcm(track, source, signal);
    const play = (from: number): PcmStream =>
      track.loop ? repeatPcm(decode, from) : skipPcm(decode(), from);

    const span = await this.#audibleSpan(decode);
    const mediaStart = secondsToSamples(track.mediaStart);
    const offset = at - span.start;
    const pcm =
      track.playbackRate === 1
        ? play(mediaStart + offset)
        : skipPcm(stretchPcm(play(mediaStart), track.playbackRate, signal), offset);
    return { reader: new PcmReader(pcm), span, gain: envelope(track, span) };
  }

  /** A fade at the end has to know beforehand where the source ends: it is decoded once more to be measured. */
  async #audibleSpan(decode: () => PcmStream): Promise<SampleSpan> {
    const { track, timelineEnd } = this.#options;
    if (track.loop || track.fadeOut === 0) return this.#span;
    const { start, end } = this.#span;
    const needed = secondsToSamples(track.mediaStart) + Math.ceil((end - start) * track.playbackRate);
    return trackSpan(track, timelineEnd, await countSamples(decode(), needed));
  }

  /** Ends its FFmpeg, too, if it is still at work. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#playing?.reader.close();
    this.#playing = undefined;
  }
}

function add(
  mix: Float32Array,
  offset: number,
  pcm: Float32Array,
  at: number,
  gain: (sample: number) => number,
): void {
  for (let index = 0; index < pcm.length; index += CHANNELS) {
    const level = gain(at + index / CHANNELS);
    for (let value = index; value < index + CHANNELS; value++) {
      mix[offset + value] = (mix[offset + value] ?? 0) + (pcm[value] ?? 0) * level;
    }
  }
}
