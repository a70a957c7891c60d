import { makeBox, makeTable, UnknownLayout } from './boxes.ts';
import type { Track } from './read-track.ts';
import type { SegmentTables } from './segment-tables.ts';
import { type ByteRange, type Run, rolled, unrolled } from './tables.ts';

const MAX_32_BITS = 2 ** 32 - 1;
/** 1 in 16.16 fixed point. */
const ONE = 0x10000;
/** The matrix that leaves a picture as it is (ISO/IEC 14496-12, 8.2.2.2). */
const UNITY = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x40000000];

/** Frames of one segment that lie in a row in the output, with the sound of their time before them. */
export interface Group {
  /** Place of the segment. */
  readonly segment: number;
  readonly frames: number;
  /** Of the segment's file. */
  readonly video: ByteRange;
  readonly soundSamples: number;
  /** Of the sound's file. */
  readonly sound: ByteRange;
}

export interface HeaderOptions {
  /** The whole `ftyp`. */
  readonly fileType: Buffer;
  readonly segments: readonly SegmentTables[];
  readonly sound: Track | undefined;
  readonly groups: readonly Group[];
  /** Ticks a second of the video, and of the file. */
  readonly timescale: number;
  /** That a frame lasts. */
  readonly ticks: number;
}

interface Chunk {
  readonly samples: number;
  readonly offset: number;
}

/** A track of the output. */
interface OutputTrack {
  /** Whose boxes it takes over. */
  readonly from: Track;
  readonly id: number;
  /** Of what is shown, in ticks of the file. */
  readonly shownTicks: number;
  /** Of its samples, in its own ticks. */
  readonly duration: number;
  readonly mediaTime: number;
  /** `stts`, and what else tells of its samples' times. */
  readonly times: readonly Buffer[];
  readonly sizes: Iterable<number>;
  readonly chunks: readonly Chunk[];
}

function sum(runs: readonly Run[]): number {
  return runs.reduce((total, [count, value]) => total + count * value, 0);
}

const bytesOf = ({ video, sound }: Group): number => video.end - video.start + sound.end - sound.start;

/** Version 0 of `tkhd` (8.3.2) with another id and duration. */
function trackHeader({ boxes: { header } }: Track, id: number, duration: number): Buffer {
  if (header.body.readUInt8(0) !== 0) throw new UnknownLayout('a long track header');
  const body = Buffer.from(header.body);
  body.writeUInt32BE(id, 12);
  body.writeUInt32BE(duration, 20);
  return makeBox('tkhd', body);
}

function chunkOffsets(chunks: readonly Chunk[], wide: boolean): Buffer {
  const offsets = chunks.flatMap(({ offset }) =>
    wide ? [Math.floor(offset / 2 ** 32), offset % 2 ** 32] : [offset % 2 ** 32],
  );
  return makeTable(wide ? 'co64' : 'stco', [chunks.length, ...offsets]);
}

/** `stsc` (8.7.4): a row where the number of samples changes. */
function chunkLengths(chunks: readonly Chunk[]): Buffer {
  const rows = chunks.flatMap(({ samples }, at) =>
    samples === chunks[at - 1]?.samples ? [] : [[at + 1, samples, 1]],
  );
  return makeTable('stsc', [rows.length, ...rows.flat()]);
}

function makeTrack(track: OutputTrack, wide: boolean): Buffer {
  const { from, id, shownTicks, duration, mediaTime, times, chunks } = track;
  const { handler, mediaHeader, dataInformation, sampleGroups } = from.boxes;
  const sizes = [...track.sizes];
  const table = makeBox(
    'stbl',
    makeBox('stsd', from.description),
    ...times,
    chunkLengths(chunks),
    makeTable('stsz', [0, sizes.length, ...sizes]),
    chunkOffsets(chunks, wide),
    ...sampleGroups.map(({ whole }) => whole),
  );
  return makeBox(
    'trak',
    trackHeader(from, id, shownTicks),
    makeBox('edts', makeTable('elst', [1, shownTicks, mediaTime, ONE])),
    makeBox(
      'mdia',
      makeTable('mdhd', [0, 0, from.timescale, duration, from.language * ONE]),
      handler.whole,
      makeBox('minf', mediaHeader.whole, dataInformation.whole, table),
    ),
  );
}

/** `mvhd` (8.2.2). */
function movieHeader(timescale: number, tracks: readonly OutputTrack[]): Buffer {
  const duration = Math.max(...tracks.map(({ shownTicks }) => shownTicks));
  const volume = 0x0100_0000;
  const matrix = [...UNITY, 0, 0, 0, 0, 0, 0];
  return makeTable('mvhd', [0, 0, timescale, duration, ONE, volume, 0, 0, ...matrix, tracks.length + 1]);
}

function* syncSamples(segments: readonly SegmentTables[]): Generator<number> {
  let before = 1;
  for (const { syncSamples: own, sizes } of segments) {
    for (const sample of own) yield before + sample;
    before += sizes.length;
  }
}

/**
 * Frame i is decoded at i frames' time. It is shown at its place in the order of showing, later by the most frames
 * that any one is decoded after its place: so no delay is below 0, and every step is even whatever the segments' own
 * delays are.
 */
function videoTrack({ segments, timescale, ticks }: HeaderOptions, chunks: readonly Chunk[]): OutputTrack {
  const from = (segments[0] as SegmentTables).track;
  let [frames, lead] = [0, 0];
  for (const { shown } of segments) {
    for (const [frame, place] of shown.entries()) lead = Math.max(lead, frame - place);
    frames += shown.length;
  }
  const times = [makeTable('stts', [1, frames, ticks])];
  const sync = [...syncSamples(segments)];
  if (sync.length < frames) times.push(makeTable('stss', [sync.length, ...sync]));
  function* delays(): Generator<number> {
    for (const { shown } of segments)
      for (const [frame, place] of shown.entries()) yield (place - frame + lead) * ticks;
  }
  if (lead > 0) times.push(makeTable('ctts', rolled(delays())));
  function* sizes(): Generator<number> {
    for (const segment of segments) yield* segment.sizes;
  }
  const duration = frames * ticks;
  return {
    from: { ...from, timescale, boxes: { ...from.boxes, sampleGroups: [] } },
    id: 1,
    shownTicks: duration,
    duration,
    mediaTime: lead * ticks,
    times,
    sizes: sizes(),
    chunks,
  };
}

function soundTrack(from: Track, timescale: number, chunks: readonly Chunk[]): OutputTrack {
  const duration = sum(from.durations);
  return {
    from,
    id: 2,
    shownTicks: Math.ceil(((duration - from.mediaTime) * timescale) / from.timescale),
    duration,
    mediaTime: from.mediaTime,
    times: [makeTable('stts', rolled(unrolled(from.durations)))],
    sizes: from.sizes,
    chunks: chunks.filter(({ samples }) => samples > 0),
  };
}

/** @param base where the first group begins in the file */
function makeMovie(options: HeaderOptions, base: number, wide: boolean): Buffer {
  const { groups, sound, timescale } = options;
  const [video, heard]: [Chunk[], Chunk[]] = [[], []];
  let at = base;
  for (const group of groups) {
    heard.push({ samples: group.soundSamples, offset: at });
    video.push({ samples: group.frames, offset: at + group.sound.end - group.sound.start });
    at += bytesOf(group);
  }
  const tracks = [videoTrack(options, video), ...(sound ? [soundTrack(sound, timescale, heard)] : [])];
  if (tracks.some(({ shownTicks, duration }) => Math.max(shownTicks, duration) > MAX_32_BITS))
    throw new UnknownLayout('more ticks than 32 bits hold');
  return makeBox('moov', movieHeader(timescale, tracks), ...tracks.map((track) => makeTrack(track, wide)));
}

/** The head of an `mdat` (8.1.1), with a size of 64 bits where 32 are too few. */
function mediaHeader(payload: number): Buffer {
  const header = Buffer.alloc(payload + 8 > MAX_32_BITS ? 16 : 8);
  header.writeUInt32BE(header.length === 16 ? 1 : payload + 8, 0);
  header.write('mdat', 4, 'latin1');
  if (header.length === 16) header.writeBigUInt64BE(BigInt(payload + 16), 8);
  return header;
}

/**
 * All of the output before the groups: what it is, where each sample lies, and the head of the media.
 * @throws UnknownLayout when it is longer than 32 bits of ticks
 */
export function makeHeader(options: HeaderOptions): Buffer {
  const { fileType, groups } = options;
  const payload = groups.reduce((bytes, group) => bytes + bytesOf(group), 0);
  const media = mediaHeader(payload);
  const lengthOf = (wide: boolean): number =>
    fileType.length + makeMovie(options, 0, wide).length + media.length;
  const narrow = lengthOf(false);
  const wide = narrow + payload > MAX_32_BITS;
  const base = wide ? lengthOf(true) : narrow;
  return Buffer.concat([fileType, makeMovie(options, base, wide), media]);
}
