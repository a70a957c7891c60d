import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { outputFrames, outputSize, pictureSize } from '../types/codecs.ts';
import type { FrameJobContext } from '../types/contracts.ts';
import { outputFps } from '../types/fps.ts';
import type { FrameJob, FrameTimings } from '../types/frame-job.ts';
import type { CapturePath } from '../types/render-job.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { EncoderError } from '../utils/errors.ts';
import type { Browser } from './browser.ts';
import { Camera } from './camera.ts';
import type { KeptFrame } from './capture.ts';
import { Encoder } from './encoder.ts';

const PROGRESS_MS = 200;

/** A frame that another segment may see as well. */
export interface SeamPicture extends KeptFrame {
  /** Of the frame's picture before the encoder. */
  readonly digest: string;
}

/** A segment in a file of this machine. */
export interface WrittenSegment {
  readonly bytes: number;
  readonly frames: number;
  readonly captured: number;
  /** Of each frame's picture before the encoder. */
  readonly frameDigests: string[];
  /** How the pictures were taken. */
  readonly captureMode: CapturePath;
  readonly firstPicture: SeamPicture;
  /** When it is not sure that the frame after it will be seen. */
  readonly lastPicture: SeamPicture | undefined;
  /** Of the frame after the last, when the job looks ahead. */
  readonly nextPicture: SeamPicture | undefined;
  /** Of the frame before the first, when the job looks back. */
  readonly previousPicture: SeamPicture | undefined;
  readonly warnings: string[];
  readonly timings: Omit<FrameTimings, 'browser' | 'total'>;
}

/** Takes a frame's picture and keeps it. */
async function keepFrame(camera: Camera, frame: number): Promise<SeamPicture> {
  const { digest } = (await camera.take(frame)).picture;
  return { digest, ...(await camera.keep()) };
}

/** The picture of the frame after a segment, as far as the job asks for it. */
async function takeNext(
  browser: Browser,
  camera: Camera,
  { lookAhead, range }: FrameJob,
): Promise<SeamPicture | undefined> {
  if (lookAhead === 'none') return undefined;
  try {
    return await keepFrame(camera, range[1]);
  } catch (error) {
    if (lookAhead === 'needed') throw error;
    browser.doubtful = true;
    return undefined;
  }
}

/**
 * Draws the frames of a job and encodes them into `file`, frame n+1 being drawn while n is made ready and encoded.
 * The frame after them is drawn while the encoder comes to its end.
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
  let [encodeWait, seams] = [0, 0];
  const waited = async (work: Promise<void>): Promise<void> => {
    const since = performance.now();
    await work;
    encodeWait += performance.now() - since;
  };
  const forSeams = async <T>(work: Promise<T>): Promise<T> => {
    const since = performance.now();
    const value = await work;
    seams += performance.now() - since;
    return value;
  };
  const opening = job.lookBack ? start - encoding.everyNthFrame : start;
  await using camera = await Camera.open(browser, job, opening, signal);
  // Starts while the page is on its way to the first frame.
  const encoder = await Encoder.open({
    encoding,
    fps: outputFps(composition.fps, encoding.everyNthFrame),
    pictures: camera.format,
    size: outputSize(composition, encoding),
    pictureSize: pictureSize(job),
    file,
    signal,
  });
  const frameDigests: string[] = [];
  let firstPicture: SeamPicture | undefined;
  let captured = 0;
  let written = Promise.resolve();
  try {
    await camera.ready;
    const previousPicture = job.lookBack ? await forSeams(keepFrame(camera, opening)) : undefined;
    const since = performance.now();
    let reported = since;
    for (let index = 0; index < frames; index++) {
      throwIfAborted(signal);
      const frame = start + index * encoding.everyNthFrame;
      const goesOn = index > 0 && index + 1 < frames;
      const { picture, ...shot } = await camera.take(
        frame,
        goesOn ? frame + encoding.everyNthFrame : undefined,
      );
      const changed = shot.changed || firstPicture === undefined;
      firstPicture ??= { digest: picture.digest, ...(await forSeams(camera.keep())) };
      if (changed) captured++;
      frameDigests.push(picture.digest);
      await waited(written);
      written = encoder.write(changed ? picture : undefined);
      written.catch(() => {});
      if (onFrames && performance.now() - reported > PROGRESS_MS) {
        reported = performance.now();
        onFrames(index + 1);
      }
    }
    await waited(written);
    const framesMs = performance.now() - since;
    const timings = { ...camera.timings };
    const warnings = [...camera.warnings];
    const finished = encoder.finish();
    finished.catch(() => {});
    const isLastKept = job.lookAhead !== 'needed';
    const lastPicture = isLastKept
      ? { digest: frameDigests.at(-1) as string, ...(await forSeams(camera.keep())) }
      : undefined;
    const nextPicture = await forSeams(takeNext(browser, camera, job));
    await waited(finished);
    const { size } = await stat(file);
    if (size === 0) throw new EncoderError('FFmpeg wrote an empty segment.');
    return {
      bytes: size,
      frames,
      captured,
      frameDigests,
      firstPicture: firstPicture as SeamPicture,
      lastPicture,
      nextPicture,
      previousPicture,
      warnings,
      captureMode: camera.path,
      timings: { ...timings, seams, encodeWait, frames: framesMs },
    };
  } catch (error) {
    await encoder.abort();
    throw error;
  }
}
