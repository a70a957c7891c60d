import { boxesIn, UnknownLayout } from './boxes.ts';
import type { Track } from './read-track.ts';
import { type ByteRange, inARow, unrolled } from './tables.ts';

/** A segment's frames in the order of decoding. */
export interface SegmentTables {
  readonly track: Track;
  /** Bytes of each. */
  readonly sizes: Uint32Array;
  /** The place of each in the order of showing, from 0. */
  readonly shown: Uint32Array;
  /** Places of those that decoding can start at. */
  readonly syncSamples: readonly number[];
  readonly payload: ByteRange;
}

/** Fields of a VisualSampleEntry before its boxes (ISO/IEC 14496-12, 12.1.3). */
const VISUAL_ENTRY_BYTES = 78;
/** Version, flags and number of entries of `stsd` (8.5.2). */
const DESCRIPTION_BYTES = 8;

/** The parts of a description by which a decoder is set up: all but `btrt` (8.5.2.2), which tells bit rates. */
export function decoderSetup(description: Buffer): Buffer {
  const parts = [...boxesIn(description.subarray(DESCRIPTION_BYTES))].flatMap(({ type, body }) => [
    Buffer.from(type, 'latin1'),
    body.subarray(0, VISUAL_ENTRY_BYTES),
    ...[...boxesIn(body.subarray(VISUAL_ENTRY_BYTES))]
      .filter((box) => box.type !== 'btrt')
      .map(({ whole }) => whole),
  ]);
  return Buffer.concat([description.subarray(0, DESCRIPTION_BYTES), ...parts]);
}

/**
 * Each frame's place in the order of showing. The times must be those of as many frames, one after the other.
 * @param ticks that a frame lasts
 * @throws UnknownLayout
 */
export function showingOrder(track: Track, ticks: number): Uint32Array {
  const frames = track.sizes.length;
  const shown = new Uint32Array(frames);
  const seen = new Uint8Array(frames);
  const durations = unrolled(track.durations);
  const delays = track.delays && unrolled(track.delays);
  let decoded = 0;
  for (let frame = 0; frame < frames; frame++) {
    const delay = delays?.next().value ?? 0;
    const place = (decoded + delay - track.mediaTime) / ticks;
    if (seen[place] !== 0) throw new UnknownLayout(`frame ${frame} is at place ${place} of ${frames}`);
    seen[place] = 1;
    shown[frame] = place;
    decoded += durations.next().value ?? 0;
  }
  return shown;
}

/**
 * Takes a video track for a segment.
 * @param ticks that a frame lasts
 * @param media of the file's `mdat`, which the samples must fill
 * @throws UnknownLayout
 */
export function segmentTables(track: Track, ticks: number, media: ByteRange): SegmentTables {
  const { sizes, chunks, syncSamples = Array.from(sizes.keys()) } = track;
  const payload = inARow(chunks);
  if (track.kind !== 'vide') throw new UnknownLayout('no video');
  if (payload.start !== media.start || payload.end !== media.end)
    throw new UnknownLayout('samples do not fill the media');
  if (syncSamples[0] !== 0) throw new UnknownLayout('the first frame is no key frame');
  return { track, sizes, shown: showingOrder(track, ticks), syncSamples, payload };
}
