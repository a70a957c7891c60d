import { createWriteStream } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../utils/abort.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { isReference, makeSample, UNIT, unitsIn, unitType } from '../utils/h264/nal-unit.ts';
import { countedOn, frameNumOf, pictureRepeater } from '../utils/h264/repeated-picture.ts';
import { readStreamSetup, type StreamSetup } from '../utils/h264/stream-setup.ts';
import { UnknownLayout } from '../utils/mp4/boxes.ts';
import { fileSource } from '../utils/mp4/file-source.ts';
import { type Movie, readMovie } from '../utils/mp4/read-movie.ts';
import { readOnlyTrack, type Track } from '../utils/mp4/read-track.ts';
import { inARow, unrolled } from '../utils/mp4/tables.ts';
import { makeHeader } from '../utils/mp4/write-header.ts';

interface Gapped {
  readonly file: FileHandle;
  readonly signal: AbortSignal | undefined;
  readonly movie: Movie;
  readonly track: Track;
  /** Frames that each sample is to be shown for. */
  readonly shownFor: readonly number[];
}

interface Sample {
  readonly bytes: Buffer;
  readonly isSync: boolean;
}

/** How many frames each sample lasts; the last one is the last frame. */
function framesOf(track: Track, ticks: number): number[] {
  const frames = [...unrolled(track.durations)].map((duration) => duration / ticks);
  frames[frames.length - 1] = 1;
  if (!frames.every((count) => Number.isInteger(count) && count > 0))
    throw new UnknownLayout('pictures that are not shown for whole frames');
  return frames;
}

const isSlice = (unit: Buffer): boolean => unitType(unit) === UNIT.slice || unitType(unit) === UNIT.idrSlice;

/** A sample that stands behind `ahead` pictures more than the encoder knew of. */
function renumbered(sample: Buffer, setup: StreamSetup, ahead: number): Buffer {
  const units = [...unitsIn(sample, setup.lengthBytes)].map((unit) =>
    isSlice(unit) ? countedOn(unit, setup, ahead) : unit,
  );
  return makeSample(units, setup.lengthBytes);
}

/** All samples, those that repeat the one before among them. */
async function* filled({ file, signal, track, shownFor }: Gapped): AsyncGenerator<Sample> {
  const setup = readStreamSetup(track.description);
  const numbers = 2 ** setup.frameNumBits;
  const repeat = pictureRepeater(setup);
  let at = inARow(track.chunks).start;
  let ahead = 0;
  for (const [index, size] of track.sizes.entries()) {
    throwIfAborted(signal);
    const sample = Buffer.allocUnsafe(size);
    const { bytesRead } = await file.read(sample, 0, size, at);
    if (bytesRead < size) throw new UnknownLayout('a sample is cut off');
    at += size;
    const slice = [...unitsIn(sample, setup.lengthBytes)].find(isSlice);
    if (!slice || !isReference(slice)) throw new UnknownLayout('a picture that none refers to');
    const isSync = unitType(slice) === UNIT.idrSlice;
    if (isSync) ahead = 0;
    yield { bytes: ahead > 0 ? renumbered(sample, setup, ahead) : sample, isSync };
    for (let more = 1; more < (shownFor[index] as number); more++) {
      const frameNum = (frameNumOf(slice, setup) + ++ahead) % numbers;
      yield { bytes: makeSample([repeat(frameNum)], setup.lengthBytes), isSync: false };
    }
  }
}

async function headerOf(gapped: Gapped, ticks: number): Promise<Buffer> {
  const { movie, track } = gapped;
  const sizes: number[] = [];
  const syncSamples: number[] = [];
  for await (const { bytes, isSync } of filled(gapped)) {
    if (isSync) syncSamples.push(sizes.length);
    sizes.push(bytes.length);
  }
  const payload = { start: 0, end: sizes.reduce((sum, size) => sum + size, 0) };
  return makeHeader({
    fileType: movie.fileType,
    segments: [
      { track, sizes: Uint32Array.from(sizes), shown: Uint32Array.from(sizes.keys()), syncSamples, payload },
    ],
    sound: undefined,
    groups: [
      { segment: 0, frames: sizes.length, video: payload, soundSamples: 0, sound: { start: 0, end: 0 } },
    ],
    timescale: track.timescale,
    ticks,
  });
}

/**
 * Gives an H.264 file a picture for each frame where one is shown for several: P pictures that repeat it, of some 50
 * bytes each. A file without such gaps stays as it is.
 * @param path of an MP4 file of one track, whose pictures are decoded in the order in which they are shown
 * @param frameTime seconds a frame, as a fraction
 * @throws UnknownLayout when the stream is another than the kit's encoder writes; AbortedError, DiskFullError
 */
export async function fillGaps(
  path: string,
  frameTime: readonly [num: number, den: number],
  signal?: AbortSignal,
): Promise<void> {
  await using file = await open(path);
  const movie = await readMovie(await fileSource(file));
  const track = readOnlyTrack(movie.moov);
  if (track.delays || track.mediaTime > 0) throw new UnknownLayout('pictures out of order');
  const ticks = (track.timescale * frameTime[0]) / frameTime[1];
  const shownFor = framesOf(track, ticks);
  if (shownFor.every((frames) => frames === 1)) return;
  const gapped = { file, signal, movie, track, shownFor };
  const header = await headerOf(gapped, ticks);
  const whole = async function* () {
    yield header;
    for await (const { bytes } of filled(gapped)) yield bytes;
  };
  const output = `${path}.filled`;
  await pipeline(Readable.from(whole()), createWriteStream(output)).catch((error: unknown) => {
    throw error instanceof UnknownLayout ? error : toWriteError(error, output);
  });
  await rename(output, path);
}
