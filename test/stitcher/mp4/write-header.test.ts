import { describe, expect, test } from 'vitest';
import { checkHeader } from '../../../src/stitcher/mp4/check-header.ts';
import { layOut } from '../../../src/stitcher/mp4/layout.ts';
import { StitchError } from '../../../src/utils/errors.ts';
import { boxAt, boxesIn, findBox, makeBox, makeTable, readBoxHeader } from '../../../src/utils/mp4/boxes.ts';
import { readOnlyTrack, readTracks, type Track } from '../../../src/utils/mp4/read-track.ts';
import { type SegmentTables, segmentTables } from '../../../src/utils/mp4/segment-tables.ts';
import { makeHeader } from '../../../src/utils/mp4/write-header.ts';

const TICKS = 512;
const TIMESCALE = 15_360;
const fileType = makeBox('ftyp', Buffer.from('isom\0\0\0\0'));

/** The tables of a file whose samples have a size and follow each other from byte 48 on. */
function trackOf(
  kind: 'vide' | 'soun',
  samples: number,
  bytes: number,
  timescale = TIMESCALE,
  ticks = TICKS,
): Track {
  const handler = makeTable('hdlr', [0, Buffer.from(kind).readUInt32BE(), 0, 0, 0, 0]);
  const table = makeBox(
    'stbl',
    makeTable('stsd', [0]),
    makeTable('stts', [1, samples, ticks]),
    makeTable('stsc', [1, 1, samples, 1]),
    makeTable('stsz', [bytes, samples]),
    makeTable('stco', [1, 48]),
  );
  const header = makeTable(kind === 'vide' ? 'vmhd' : 'smhd', [0]);
  const information = makeBox('minf', header, makeBox('dinf'), table);
  const media = makeBox(
    'mdia',
    makeTable('mdhd', [0, 0, timescale, samples * ticks, 0]),
    handler,
    information,
  );
  return readOnlyTrack(makeBox('trak', makeTable('tkhd', new Array(20).fill(0)), media));
}

function segmentOf(frames: number, bytes: number): SegmentTables {
  return segmentTables(trackOf('vide', frames, bytes), TICKS, { start: 48, end: 48 + frames * bytes });
}

function headerOf(segments: readonly SegmentTables[], sound?: Track, minGroupBytes = 0) {
  const groups = layOut({
    segments,
    sound,
    timescale: TIMESCALE,
    ticks: TICKS,
    minGroupBytes: () => minGroupBytes,
  });
  return {
    groups,
    header: makeHeader({ fileType, segments, sound, groups, timescale: TIMESCALE, ticks: TICKS }),
  };
}

describe('more than 4 GB', () => {
  const MIB = 1024 ** 2;
  const segments = Array.from({ length: 60 }, () => segmentOf(100, MIB));
  const sound = trackOf('soun', 2_400, 2_000, 48_000, 1_024);

  test('has 64-bit offsets and a 64-bit size', () => {
    const { header } = headerOf(segments, sound);
    const size = header.length + 6_000 * MIB + 2_400 * 2_000;
    const moov = boxAt(header, 'moov').body;
    for (const track of boxesIn(moov)) {
      if (track.type !== 'trak') continue;
      const table = boxAt(track.body, 'mdia', 'minf', 'stbl').body;
      expect(findBox(table, 'stco')).toBeUndefined();
      expect(findBox(table, 'co64')).toBeDefined();
    }
    expect(readBoxHeader(header.subarray(-16))).toEqual({
      type: 'mdat',
      headerBytes: 16,
      size: size - header.length + 16,
    });
    expect(() => checkHeader(header, { frames: 6_000, ticks: TICKS, size })).not.toThrow();
    expect(readTracks(moov)[0]?.chunks.at(-1)?.end).toBe(size);
  });

  test('by a few bytes only: just those beyond need it', () => {
    const frames = 4_095;
    const { header } = headerOf([segmentOf(frames, MIB), segmentOf(1, MIB - 5_000)]);
    const wide = headerOf([segmentOf(frames, MIB), segmentOf(1, MIB)]).header;
    const offsets = (bytes: Buffer) =>
      boxAt(bytes, 'moov', 'trak', 'mdia', 'minf', 'stbl').body.includes('co64', 0, 'latin1');
    const size = 4_096 * MIB;
    expect(offsets(wide)).toBe(true);
    expect(() => checkHeader(wide, { frames: 4_096, ticks: TICKS, size: wide.length + size })).not.toThrow();
    const all = header.length + size - 5_000;
    expect(() => checkHeader(header, { frames: 4_096, ticks: TICKS, size: all })).not.toThrow();
  });
});

describe('a group', () => {
  test('is about a second, or the bytes that it has at least', () => {
    const segments = [segmentOf(100, 10), segmentOf(7, 10)];
    expect(headerOf(segments).groups.map(({ frames }) => frames)).toEqual([30, 30, 30, 10, 7]);
    expect(headerOf(segments, undefined, 400).groups.map(({ frames }) => frames)).toEqual([40, 60, 7]);
  });

  test('has the sound of its time before it, the last all that is left', () => {
    const sound = trackOf('soun', 48, 5, 48_000, 4_000);
    const { groups } = headerOf([segmentOf(45, 10), segmentOf(30, 10)], sound);
    expect(groups.map(({ soundSamples }) => soundSamples)).toEqual([12, 6, 30]);
    expect(groups[2]?.sound).toEqual({ start: 48 + 18 * 5, end: 48 + 48 * 5 });
  });
});

describe('the check of what was made', () => {
  const segments = [segmentOf(4, 10), segmentOf(5, 10)];
  const { header } = headerOf(segments);
  const size = header.length + 90;
  const failing = (bytes: Buffer, frames = 9, whole = size) =>
    expect(() => checkHeader(bytes, { frames, ticks: TICKS, size: whole })).toThrow(StitchError);
  const spoilt = (type: string, at: number, value: number): Buffer => {
    const bytes = Buffer.from(header);
    bytes.writeUInt32BE(value, bytes.indexOf(type, 0, 'latin1') + at);
    return bytes;
  };

  test('takes it as it is', () => {
    expect(() => checkHeader(header, { frames: 9, ticks: TICKS, size })).not.toThrow();
  });
  test('finds another number of frames', () => failing(header, 8));
  test('finds another size', () => failing(header, 9, size + 1));
  test('finds an uneven step', () => failing(spoilt('stts', 16, TICKS + 1)));
  test('finds a chunk at another place', () => failing(spoilt('stco', 12, 7)));
});
