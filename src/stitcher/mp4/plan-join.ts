import type { ObjectInfo, Section } from '../../storage/object-store.ts';
import { type Fps, toRational } from '../../types/fps.ts';
import type { FrameResult } from '../../types/frame-job.ts';
import type { Plan } from '../../types/plan.ts';
import { NotFoundError } from '../../utils/errors.ts';
import { UnknownLayout } from '../../utils/mp4/boxes.ts';
import { type Movie, readMovie } from '../../utils/mp4/read-movie.ts';
import { readOnlyTrack, type Track } from '../../utils/mp4/read-track.ts';
import { decoderSetup } from '../../utils/mp4/segment-tables.ts';
import { type Group, makeHeader } from '../../utils/mp4/write-header.ts';
import { runLimited } from '../../utils/run-limited.ts';
import { type PlannedSegments, refuseDamaged } from '../fetch-segments.ts';
import { checkHeader } from './check-header.ts';
import { layOut } from './layout.ts';
import { type OpenSegment, openSegment, storedSource } from './open-segment.ts';
import { segmentSection } from './sections.ts';

/** To the store at the same time. */
const MAX_REQUESTS = 16;
/** The least that S3 copies as a part of its own; beside a sound, twice as much of video is. */
export const MIN_COPY_BYTES = 5 * 1024 ** 2;
/** Of video between two stretches of sound, where both are copied. */
const COPIED_GROUP_BYTES = 16 * 1024 ** 2;

export interface JoinOptions extends PlannedSegments {
  readonly plan: Pick<Plan, 'frameJobs' | 'encoding'>;
  /** Of the output. */
  readonly fps: Fps;
  /** The sound in the store, in an MP4 file; `null` for none. */
  readonly audioKey: string | null;
  /** Whether the output goes into the same store, which copies by itself. */
  readonly copied: boolean;
}

/** An output that is yet to be written. */
export interface Join {
  /** All before the media. */
  readonly header: Buffer;
  /** All of the output, `header` first. */
  readonly sections: readonly Section[];
  readonly bytes: number;
}

interface Sound {
  readonly object: ObjectInfo;
  readonly track: Track;
}

/** The ticks that a frame lasts. */
function frameTicks(timescale: number, fps: Fps): number {
  const { num, den } = toRational(fps);
  const ticks = (timescale * den) / num;
  if (!Number.isInteger(ticks)) throw new UnknownLayout(`${timescale} ticks a second do not fit ${fps}`);
  return ticks;
}

/** @throws SegmentDamagedError, UnknownLayout */
async function openSegments(options: JoinOptions): Promise<OpenSegment[]> {
  const { results, store, fps, signal } = options;
  const open = (result: FrameResult, like?: Movie): Promise<OpenSegment | undefined> =>
    openSegment(store, result, {
      ticksOf: (timescale) => frameTicks(timescale, fps),
      copied: options.copied && result.bytes >= MIN_COPY_BYTES,
      like,
    });
  const one = results[0] && (await open(results[0]));
  const opened = [
    one,
    ...(await runLimited(results.slice(1), MAX_REQUESTS, signal, (result) => open(result, one?.movie))),
  ];
  const segments = opened.filter((segment) => segment !== undefined);
  if (segments.length < opened.length) {
    await refuseDamaged(options);
    throw new UnknownLayout('segments came back while they were looked at');
  }
  const [first, ...others] = segments.map(({ tables }) => tables.track);
  const setup = first && decoderSetup(first.description);
  for (const { description, timescale } of others) {
    if (!setup?.equals(decoderSetup(description)) || timescale !== first?.timescale)
      throw new UnknownLayout('segments are to be decoded in different ways');
  }
  return segments;
}

async function openSound({ store, audioKey }: JoinOptions): Promise<Sound | undefined> {
  if (audioKey === null) return undefined;
  const object = await store.head(audioKey);
  if (!object)
    throw new NotFoundError(`The store has no ${audioKey} (${store.url}).`, {
      details: { key: audioKey, store: store.url },
    });
  const track = readOnlyTrack((await readMovie(storedSource(store, object))).moov);
  if (track.kind !== 'soun' || track.delays) throw new UnknownLayout('no sound');
  return { object, track };
}

/** Whether a segment's video is to be copied, and not read: what S3 lacks of a part is taken from it. */
function isCopied({ tables }: OpenSegment, { copied, audioKey }: JoinOptions): boolean {
  const { start, end } = tables.payload;
  return copied && end - start >= (audioKey === null ? 1 : 2) * MIN_COPY_BYTES;
}

/**
 * Makes ready to join segments: reads where their samples lie, and decides where they go.
 * @throws UnknownLayout when the segments are sound but not such as can be joined so; SegmentDamagedError,
 *   ChangedBytes, StitchError
 */
export async function planJoin(options: JoinOptions): Promise<Join> {
  const { store, fps, signal } = options;
  const [opened, sound] = await Promise.all([openSegments(options), openSound(options)]);
  const first = opened[0];
  if (!first) throw new UnknownLayout('there are no segments');
  const segments = opened.map(({ tables }) => tables);
  const { timescale } = first.tables.track;
  const ticks = frameTicks(timescale, fps);
  const groups = layOut({
    segments,
    sound: sound?.track,
    timescale,
    ticks,
    minGroupBytes: (segment) => (isCopied(opened[segment] as OpenSegment, options) ? COPIED_GROUP_BYTES : 0),
  });
  const { fileType } = first.movie;
  const header = makeHeader({ fileType, segments, sound: sound?.track, groups, timescale, ticks });
  const bySegment = new Map<number, Group[]>(opened.map((_, segment) => [segment, []]));
  for (const group of groups) bySegment.get(group.segment)?.push(group);
  const parts = await runLimited([...bySegment], MAX_REQUESTS, signal, ([place, own]) => {
    const segment = opened[place] as OpenSegment;
    return segmentSection({ store, segment, groups: own, sound: sound?.object }, isCopied(segment, options));
  });
  const head: Section = {
    length: header.length,
    open: async function* () {
      yield header;
    },
  };
  const sections = [head, ...parts];
  const bytes = sections.reduce((total, { length }) => total + length, 0);
  const frames = segments.reduce((total, { sizes }) => total + sizes.length, 0);
  checkHeader(header, { frames, ticks, size: bytes });
  return { header, sections, bytes };
}
