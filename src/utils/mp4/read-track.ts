import { type Box, boxAt, boxesIn, findBox, fullBox, UnknownLayout } from './boxes.ts';
import {
  type ByteRange,
  type Run,
  readChunks,
  readDelays,
  readDurations,
  readSizes,
  readSyncSamples,
} from './tables.ts';

/** A track of a file with all that places its samples in time and in the file. */
export interface Track {
  readonly kind: 'vide' | 'soun';
  /** The boxes that a copy of the track takes over. */
  readonly boxes: {
    readonly header: Box;
    readonly handler: Box;
    /** `vmhd` or `smhd`. */
    readonly mediaHeader: Box;
    readonly dataInformation: Box;
    /** What samples have in common beside their description, such as how far before a seek to decode. */
    readonly sampleGroups: readonly Box[];
  };
  /** The body of `stsd`. */
  readonly description: Buffer;
  /** Ticks a second. */
  readonly timescale: number;
  /** The ISO 639-2 code as the file packs it. */
  readonly language: number;
  /** Ticks of the samples before the track's time 0, which are not shown. */
  readonly mediaTime: number;
  readonly durations: readonly Run[];
  /** `undefined` where samples are shown as they are decoded. */
  readonly delays: readonly Run[] | undefined;
  readonly sizes: Uint32Array;
  /** `undefined` when decoding can start at every sample. */
  readonly syncSamples: readonly number[] | undefined;
  /** Where in the file the samples lie. */
  readonly chunks: readonly ByteRange[];
}

/** Of `elst` (ISO/IEC 14496-12, 8.6.6): where the one stretch begins that is shown. */
function readMediaTime(track: Buffer): number {
  const box = findBox(track, 'edts', 'elst');
  if (!box) return 0;
  const { version, fields } = fullBox(box);
  const long = version === 1;
  const rate = fields.subarray(long ? 20 : 12);
  const mediaTime = long ? Number(fields.readBigInt64BE(12)) : fields.readInt32BE(8);
  if (fields.readUInt32BE(0) !== 1 || mediaTime < 0 || rate.readUInt32BE(0) !== 0x10000)
    throw new UnknownLayout('the edit list is not one stretch at its own speed');
  return mediaTime;
}

function readKind(handler: Box): Track['kind'] {
  const kind = fullBox(handler).fields.toString('latin1', 4, 8);
  if (kind !== 'vide' && kind !== 'soun') throw new UnknownLayout(`a track of ${kind}`);
  return kind;
}

/**
 * Every track of a file.
 * @param moov the body of the box
 * @throws UnknownLayout
 */
export function readTracks(moov: Buffer): Track[] {
  try {
    if (findBox(moov, 'mvex')) throw new UnknownLayout('samples lie in fragments');
    return [...boxesIn(moov)].filter(({ type }) => type === 'trak').map(({ body }) => readTrack(body));
  } catch (error) {
    if (error instanceof RangeError) throw new UnknownLayout('a box is cut off', { cause: error });
    throw error;
  }
}

/** The only track of a file, as `readTracks` reads it. @throws UnknownLayout when there are others */
export function readOnlyTrack(moov: Buffer): Track {
  const [track, ...others] = readTracks(moov);
  if (!track || others.length > 0) throw new UnknownLayout('not one track');
  return track;
}

const samplesOf = (runs: readonly Run[]): number => runs.reduce((sum, [count]) => sum + count, 0);

function readTrack(track: Buffer): Track {
  const media = boxAt(track, 'mdia').body;
  const handler = boxAt(media, 'hdlr');
  const kind = readKind(handler);
  const { version, fields } = fullBox(boxAt(media, 'mdhd'));
  const information = boxAt(media, 'minf').body;
  const table = boxAt(information, 'stbl').body;
  const sizes = readSizes(boxAt(table, 'stsz'));
  const delayTable = findBox(table, 'ctts');
  const syncSamples = findBox(table, 'stss');
  const durations = readDurations(boxAt(table, 'stts'));
  const delays = delayTable && readDelays(delayTable);
  for (const runs of delays ? [durations, delays] : [durations])
    if (samplesOf(runs) !== sizes.length) throw new UnknownLayout('samples and times do not fit');
  return {
    kind,
    boxes: {
      header: boxAt(track, 'tkhd'),
      handler,
      mediaHeader: boxAt(information, kind === 'vide' ? 'vmhd' : 'smhd'),
      dataInformation: boxAt(information, 'dinf'),
      sampleGroups: [...boxesIn(table)].filter(({ type }) => type === 'sgpd' || type === 'sbgp'),
    },
    description: boxAt(table, 'stsd').body,
    timescale: fields.readUInt32BE(version === 1 ? 16 : 8),
    language: fields.readUInt16BE(version === 1 ? 28 : 16),
    mediaTime: readMediaTime(track),
    durations,
    delays,
    sizes,
    syncSamples: syncSamples && readSyncSamples(syncSamples),
    chunks: readChunks(table, sizes),
  };
}
