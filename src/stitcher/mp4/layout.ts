import type { Track } from '../../utils/mp4/read-track.ts';
import type { SegmentTables } from '../../utils/mp4/segment-tables.ts';
import { type ByteRange, inARow, unrolled } from '../../utils/mp4/tables.ts';
import type { Group } from '../../utils/mp4/write-header.ts';

export interface LayoutOptions {
  readonly segments: readonly SegmentTables[];
  readonly sound: Track | undefined;
  /** Ticks a second of the video. */
  readonly timescale: number;
  /** That a frame lasts. */
  readonly ticks: number;
  /** Bytes of video that a group has at least, by the place of its segment. */
  readonly minGroupBytes: (segment: number) => number;
}

interface SoundStretch {
  readonly samples: number;
  readonly range: ByteRange;
}

/** Deals a sound out in stretches that end at given times. */
class SoundReader {
  readonly #sound: Track;
  readonly #durations: Iterator<number>;
  #sample = 0;
  #ticks = 0;
  #at: number;

  constructor(sound: Track) {
    this.#sound = sound;
    this.#durations = unrolled(sound.durations);
    this.#at = inARow(sound.chunks).start;
  }

  /** Samples up to the one that begins at a time in seconds. */
  until(seconds: number): SoundStretch {
    const { sizes, timescale, mediaTime } = this.#sound;
    const [first, start] = [this.#sample, this.#at];
    const end = seconds * timescale + mediaTime;
    while (this.#sample < sizes.length && this.#ticks < end) {
      this.#at += sizes[this.#sample++] ?? 0;
      this.#ticks += this.#durations.next().value ?? 0;
    }
    return { samples: this.#sample - first, range: { start, end: this.#at } };
  }
}

const NO_SOUND: SoundStretch = { samples: 0, range: { start: 0, end: 0 } };

/** Where everything is to lie: about a second's frames at a time, or more. */
export function layOut(options: LayoutOptions): Group[] {
  const { segments, timescale, ticks, minGroupBytes } = options;
  const sound = options.sound && new SoundReader(options.sound);
  const groups: Group[] = [];
  let framesBefore = 0;
  for (const [segment, { sizes, payload }] of segments.entries()) {
    const minBytes = minGroupBytes(segment);
    let [frames, start, at] = [0, payload.start, payload.start];
    for (const [frame, size] of sizes.entries()) {
      frames++;
      at += size;
      const isLast = frame === sizes.length - 1;
      const isFull = frames * ticks >= timescale && at - start >= minBytes;
      // What is left after it would be a group below the least.
      if (!isLast && (!isFull || payload.end - at < minBytes)) continue;
      framesBefore += frames;
      const isEnd = isLast && segment === segments.length - 1;
      const seconds = isEnd ? Number.POSITIVE_INFINITY : (framesBefore * ticks) / timescale;
      const { samples, range } = sound?.until(seconds) ?? NO_SOUND;
      groups.push({ segment, frames, video: { start, end: at }, soundSamples: samples, sound: range });
      [frames, start] = [0, at];
    }
  }
  return groups;
}
