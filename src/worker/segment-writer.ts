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
import { Encoder } from './encoder.ts';

const PROGRESS_MS = 200;

/** A segment in a file of this machine. */
export interface WrittenSegment {
  readonly bytes: number;
  readonly frames: number;
  readonly captured: number;
  /** Of each frame's picture before the encoder. */
  readonly frameDigests: string[];
  /** How the pictures were taken. */
  readonly captureMode: CapturePath;
  /** JPEG or PNG. */
  readonly firstPicture: Buffer;
  /** Of the frame after the last, when the job looks ahead. */
  readonly nextPicture: Buffer | undefined;
  readonly warnings: string[];
  readonly timings: Omit<FrameTimings, 'browser' | 'total'>;
}

/**
 * Draws the frames of a job and encodes them into `file`, frame n+1 being drawn while n is made ready and encoded. The frame
 * after them is drawn while the encoder comes to its end.
 */
export async function writeSegment(
  browser: Browser,
  job: FrameJob,
  file: string,
  { signal, onFrames }: FrameJobContext = {},
): Promise<WrittenSegment> {
  const { encoding, composition } = job;
  const [start, end] = job.range;
  const frames = outputFrames(job.range, encoding);
  let encodeWait = 0;
  const waited = async (work: Promise<void>): Promise<void> => {
    const since = performance.now();
    await work;
    encodeWait += performance.now() - since;
  };
  await using camera = await Camera.open(browser, job, start, signal);
  const encoder = new Encoder({
    encoding,
    fps: outputFps(composition.fps, encoding.everyNthFrame),
    pictures: camera.format,
    size: outputSize(composition, encoding),
    pictureSize: pictureSize(job),
    file,
    signal,
  });
  const frameDigests: string[] = [];
  let firstPicture: Buffer | undefined;
  let captured = 0;
  let written = Promise.resolve();
  const since = performance.now();
  let reported = since;
  try {
    for (let index = 0; index < frames; index++) {
      throwIfAborted(signal);
      const frame = start + index * encoding.everyNthFrame;
      const goesOn = firstPicture !== undefined && index + 1 < frames;
      const shot = await camera.take(frame, goesOn ? frame + encoding.everyNthFrame : undefined);
      firstPicture ??= await camera.keep();
      if (shot.changed) captured++;
      frameDigests.push(shot.picture.digest);
      await waited(written);
      written = encoder.write(shot.changed ? shot.picture : undefined);
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
    const ahead = performance.now();
    const nextPicture = job.lookAhead ? await lookAt(camera, end) : undefined;
    const seams = performance.now() - ahead;
    await waited(finished);
    const { size } = await stat(file);
    if (size === 0) throw new EncoderError('FFmpeg wrote an empty segment.');
    return {
      bytes: size,
      frames,
      captured,
      frameDigests,
      firstPicture: firstPicture as Buffer,
      nextPicture,
      warnings,
      captureMode: camera.path,
      timings: { ...timings, seams, encodeWait, frames: framesMs },
    };
  } catch (error) {
    await encoder.abort();
    throw error;
  }
}

async function lookAt(camera: Camera, frame: number): Promise<Buffer> {
  await camera.take(frame);
  return await camera.keep();
}
