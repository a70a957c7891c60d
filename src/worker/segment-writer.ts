import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { outputFrames, outputSize, pictureSize } from '../types/codecs.ts';
import type { FrameJobContext } from '../types/contracts.ts';
import { outputFps } from '../types/fps.ts';
import type { FrameJob, FrameTimings } from '../types/frame-job.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { sha256 } from '../utils/digest.ts';
import { EncoderError } from '../utils/errors.ts';
import type { Browser } from './browser.ts';
import { Camera } from './camera.ts';
import { Encoder } from './encoder.ts';

const PROGRESS_MS = 200;

/** A segment in a file of this machine. */
export interface WrittenSegment {
  readonly bytes: number;
  readonly frames: number;
  readonly captured: number;
  /** SHA-256 of each frame's picture before the encoder. */
  readonly frameDigests: string[];
  readonly firstPicture: Buffer;
  readonly lastPicture: Buffer;
  /** Of the frame after the last, when the job looks ahead. */
  readonly nextPicture: Buffer | undefined;
  /** Of the frame before the first, when the job looks back. */
  readonly previousPicture: Buffer | undefined;
  readonly warnings: string[];
  readonly timings: Omit<FrameTimings, 'browser' | 'total'>;
}

/** The picture of the frame after a segment, as far as the job asks for it. */
async function takeNext(
  browser: Browser,
  camera: Camera,
  { lookAhead, range }: FrameJob,
): Promise<Buffer | undefined> {
  if (lookAhead === 'none') return undefined;
  try {
    return (await camera.take(range[1])).picture;
  } catch (error) {
    if (lookAhead === 'needed') throw error;
    browser.doubtful = true;
    return undefined;
  }
}

/**
 * Draws the frames of a job and encodes them into `file`, frame n+1 being drawn while n is encoded. The frame
 * after them is drawn while the encoder comes to its end.
 */
export async function writeSegment(
  browser: Browser,
  job: FrameJob,
  file: string,
  { signal, onFrames }: FrameJobContext = {},
): Promise<WrittenSegment> {
  const { encoding, composition } = job;
  const [start] = job.range;
  const frames = outputFrames(job.range, encoding);
  let encodeWait = 0;
  const waited = async (work: Promise<void>): Promise<void> => {
    const since = performance.now();
    await work;
    encodeWait += performance.now() - since;
  };
  const opening = job.lookBack ? start - encoding.everyNthFrame : start;
  await using camera = await Camera.open(browser, job, opening, signal);
  const previousPicture = job.lookBack ? (await camera.take(opening)).picture : undefined;
  const encoder = new Encoder({
    encoding,
    fps: outputFps(composition.fps, encoding.everyNthFrame),
    pictures: camera.screenshot.format,
    size: outputSize(composition, encoding),
    pictureSize: pictureSize(job),
    file,
    signal,
  });
  const frameDigests: string[] = [];
  let firstPicture: Buffer | undefined;
  let lastPicture: Buffer | undefined;
  let captured = 0;
  let reported = performance.now();
  try {
    for (let index = 0; index < frames; index++) {
      throwIfAborted(signal);
      const shot = await camera.take(start + index * encoding.everyNthFrame);
      const { picture } = shot;
      const changed = shot.changed || firstPicture === undefined;
      firstPicture ??= picture;
      lastPicture = picture;
      if (changed) captured++;
      frameDigests.push(changed ? sha256(picture) : (frameDigests.at(-1) as string));
      await waited(encoder.write(changed ? picture : undefined));
      if (onFrames && performance.now() - reported > PROGRESS_MS) {
        reported = performance.now();
        onFrames(index + 1);
      }
    }
    const timings = { ...camera.timings };
    const warnings = [...camera.warnings];
    const finished = encoder.finish();
    finished.catch(() => {});
    const since = performance.now();
    const nextPicture = await takeNext(browser, camera, job);
    const seams = performance.now() - since;
    await waited(finished);
    const { size } = await stat(file);
    if (size === 0) throw new EncoderError('FFmpeg wrote an empty segment.');
    return {
      bytes: size,
      frames,
      captured,
      frameDigests,
      firstPicture: firstPicture as Buffer,
      lastPicture: lastPicture as Buffer,
      nextPicture,
      previousPicture,
      warnings,
      timings: { ...timings, seams, encodeWait },
    };
  } catch (error) {
    await encoder.abort();
    throw error;
  }
}
