import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { captureScale, codecTraits, outputFrames, outputSize } from '../types/codecs.ts';
import type { FrameJobContext } from '../types/contracts.ts';
import { outputFps } from '../types/fps.ts';
import type { FrameJob, FrameTimings } from '../types/frame-job.ts';
import { throwIfAborted } from '../utils/abort.ts';
import { sha256 } from '../utils/digest.ts';
import { EncoderError } from '../utils/errors.ts';
import type { Browser } from './browser.ts';
import { Capture } from './capture.ts';
import { Encoder } from './encoder.ts';
import type { Screenshot } from './frame-ticker.ts';
import { PageSession } from './page-session.ts';

const PROGRESS_MS = 200;
const JPEG_QUALITY = 95;

/** A segment in a file of this machine. */
export interface WrittenSegment {
  readonly bytes: number;
  readonly frames: number;
  readonly captured: number;
  /** SHA-256 of each frame's picture before the encoder. */
  readonly frameDigests: string[];
  readonly warnings: string[];
  readonly timings: Omit<FrameTimings, 'browser' | 'total'>;
}

/** How the pictures of an encoding are taken. */
export function screenshotOf({ encoding }: Pick<FrameJob, 'encoding'>): Screenshot {
  const { codec, crf, transparent, jpegQuality } = encoding;
  if (codec === 'jpeg') return { format: 'jpeg', quality: jpegQuality ?? 90 };
  const lossless = crf === 0 || codec === 'prores' || codecTraits[codec].pictures === 'png';
  if (transparent) return { format: 'png' };
  // optimizeForSpeed takes zlib's fast setting; it crushes alpha, which opaque pictures don't have.
  return lossless ? { format: 'png', optimizeForSpeed: true } : { format: 'jpeg', quality: JPEG_QUALITY };
}

/** Draws the frames of a job and encodes them into `file`, frame n+1 being drawn while n is encoded. */
export async function writeSegment(
  browser: Browser,
  job: FrameJob,
  file: string,
  { signal, onFrames }: FrameJobContext = {},
): Promise<WrittenSegment> {
  const { encoding, composition, page } = job;
  const [start] = job.range;
  const frames = outputFrames(job.range, encoding);
  const timings = { load: 0, firstFrame: 0, seek: 0, capture: 0, encodeWait: 0 };
  const timed = async <T>(part: keyof typeof timings, work: Promise<T>): Promise<T> => {
    const since = performance.now();
    try {
      return await work;
    } finally {
      timings[part] += performance.now() - since;
    }
  };
  const scale = captureScale(encoding);
  const options = { composition, page, scale, transparent: encoding.transparent };
  await using session = await timed('load', PageSession.open(browser, options));
  const screenshot = screenshotOf(job);
  const capture = new Capture(session, screenshot, Math.max(10_000, page.timeouts.frame / 2));
  const encoder = new Encoder({
    encoding,
    fps: outputFps(composition.fps, encoding.everyNthFrame),
    pictures: screenshot.format,
    size: outputSize(composition, encoding),
    pictureSize: outputSize(composition, { scale }),
    file,
    signal,
  });
  const frameDigests: string[] = [];
  let captured = 0;
  let reported = performance.now();
  try {
    const preRoll = async () => {
      for (let frame = page.seekMode === 'replay' ? 1 : Math.max(0, start - 1); frame < start; frame++) {
        throwIfAborted(signal);
        await session.step(frame);
      }
      await capture.preRoll();
    };
    await timed('firstFrame', preRoll());
    for (let index = 0; index < frames; index++) {
      throwIfAborted(signal);
      const frame = start + index * encoding.everyNthFrame;
      await timed('seek', stepTo(session, frame, page.seekMode));
      const picture = await timed('capture', capture.take());
      if (picture) captured++;
      frameDigests.push(picture ? sha256(picture) : (frameDigests.at(-1) as string));
      await timed('encodeWait', encoder.write(picture));
      if (onFrames && performance.now() - reported > PROGRESS_MS) {
        reported = performance.now();
        onFrames(index + 1);
      }
    }
    await timed('encodeWait', encoder.finish());
  } catch (error) {
    await encoder.abort();
    throw error;
  }
  const { size } = await stat(file);
  if (size === 0) throw new EncoderError('FFmpeg wrote an empty segment.');
  return { bytes: size, frames, captured, frameDigests, warnings: [...session.warnings], timings };
}

async function stepTo(session: PageSession, frame: number, seekMode: 'seek' | 'replay'): Promise<void> {
  if (seekMode === 'replay') for (let at = session.frame + 1; at < frame; at++) await session.step(at);
  await session.step(frame);
}
