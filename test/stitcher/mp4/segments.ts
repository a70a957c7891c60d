import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { StitchOptions } from '../../../src/stitcher/stitch.ts';
import { keys } from '../../../src/storage/keys.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { encodingSchema } from '../../../src/types/encoding.ts';
import { type Fps, toRational, trackTimescale } from '../../../src/types/fps.ts';
import type { FrameJob, FrameResult } from '../../../src/types/frame-job.ts';
import type { Plan } from '../../../src/types/plan.ts';
import { sha256 } from '../../../src/utils/digest.ts';
import { RawPictures } from '../../../src/worker/raw-pictures.ts';
import { ffmpegPath, runTool } from '../../helpers/tools.ts';

export interface SegmentSketch {
  readonly frames: number;
  readonly bFrames?: number;
  /** @default libx264 */
  readonly encoder?: readonly string[];
  /** @default 64x48 */
  readonly size?: string;
  /** What FFmpeg does to the picture. */
  readonly filter?: string;
  /** A video to take the frames from. @default a moving picture of FFmpeg's own */
  readonly clip?: string;
}

/** Encodes a segment that begins with a given frame of a video. */
export async function encodeSegment(
  file: string,
  fps: Fps,
  firstFrame: number,
  {
    frames,
    bFrames = 3,
    encoder = ['-c:v', 'libx264'],
    size = '64x48',
    filter = 'null',
    clip,
  }: SegmentSketch,
): Promise<void> {
  const { num, den } = toRational(fps);
  const source = clip ? ['-i', clip] : ['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=${num}/${den}`];
  const filters = `trim=start_frame=${firstFrame},setpts=PTS-STARTPTS,${filter}`;
  await runTool(ffmpegPath, [
    ...['-y', ...source, '-vf', filters],
    ...['-frames:v', String(frames), '-pix_fmt', 'yuv420p', ...encoder, '-bf', String(bFrames)],
    ...['-g', '12', '-preset', 'veryfast', '-threads', '4', '-video_track_timescale'],
    ...[String(trackTimescale(fps)), '-fflags', '+bitexact', '-flags:v', '+bitexact', file],
  ]);
}

/** Encodes a sound as the audio step does. */
export async function encodeSound(file: string, seconds: number): Promise<void> {
  await runTool(ffmpegPath, [
    ...['-y', '-f', 'lavfi', '-i', `aevalsrc=sin(2000*t*t)|cos(900*t):s=48000:d=${seconds}`],
    ...[
      '-map_metadata',
      '-1',
      '-fflags',
      '+bitexact',
      '-flags:a',
      '+bitexact',
      '-c:a',
      'aac',
      '-b:a',
      '320k',
    ],
    ...['-f', 'mp4', file],
  ]);
}

export interface StoredSegment {
  readonly file: string;
  readonly frames: number;
}

/**
 * Puts segments, and a sound, into a store as workers do, and tells what is to be joined.
 * @param fps of the composition, of which every `everyNthFrame`-th frame is in the segments
 */
export async function storeSegments(
  store: ObjectStore,
  segments: readonly StoredSegment[],
  fps: Fps,
  soundFile?: string,
  everyNthFrame = 1,
): Promise<StitchOptions> {
  let [start, before] = [0, 0];
  const encoding = encodingSchema.parse({ everyNthFrame });
  const frameJobs: FrameJob[] = [];
  const results: FrameResult[] = [];
  const png = await (await new RawPictures({ width: 8, height: 8 }, 'bgra').keep()).png;
  const picture = { key: 'picture', sha256: sha256(png) };
  await store.put(picture.key, png);
  for (const [index, { file, frames }] of segments.entries()) {
    const end = start + frames * everyNthFrame;
    const segmentKey = `content/${start}-${end}`;
    const digest = sha256(await readFile(file));
    const videoKey = keys.segmentVideo(segmentKey, digest, 'mp4');
    await store.put(videoKey, { file }, { sha256: digest });
    const range: [number, number] = [start, end];
    frameJobs.push({ index, segmentKey, range, encoding } as FrameJob);
    results.push({
      ...{ index, segmentKey, videoKey, frames, sha256: digest, bytes: (await stat(file)).size },
      ...{ firstPicture: picture, nextPicture: null, captureMode: 'jpeg', warnings: [], cached: false },
    } as unknown as FrameResult);
    [start, before] = [end, before + frames];
  }
  const audioKey = soundFile ? keys.audio('join', path.extname(soundFile).slice(1)) : null;
  if (soundFile && audioKey) await store.put(audioKey, { file: soundFile });
  const composition = { fps, width: 64, height: 48 };
  const plan = { id: 'join', frameJobs, frames: before, encoding, composition } as unknown as Plan;
  return { plan, results, store, audioKey };
}
