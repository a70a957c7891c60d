import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import {
  type AudioCodec,
  audioCodecs,
  type Encoding,
  encodingSchema,
  type VideoCodec,
  videoCodecs,
} from '../types/encoding.ts';
import type { Fps } from '../types/fps.ts';
import {
  type Chunking,
  type FrameRange,
  type PageOptions,
  pageOptionsSchema,
  type RenderJobInput,
  renderJobSchema,
} from '../types/render-job.ts';
import { countFlag, durationFlag, fpsFlag, framesFlag, numberFlag, readProps } from './flag-values.ts';
import { codecOfOutput } from './output-codec.ts';

interface CompositionFlags {
  props?: string;
  fps?: Fps;
  width?: number;
  height?: number;
  duration?: number;
}

interface PageFlags {
  seekMode?: PageOptions['seekMode'];
  capture?: PageOptions['capture'];
  onAssetError?: PageOptions['onAssetError'];
  /** Seconds. */
  timeout?: number;
  allowHost?: string[];
}

export interface PictureFlags {
  scale?: number;
  transparent?: boolean;
  jpegQuality?: number;
}

interface EncodingFlags extends PictureFlags {
  codec?: VideoCodec;
  crf?: number;
  bitrate?: string;
  preset?: Encoding['preset'];
  pixelFormat?: Encoding['pixelFormat'];
  keyframeInterval?: number;
  everyNthFrame?: number;
  audioCodec?: AudioCodec;
  audioBitrate?: string;
  muted?: boolean;
}

/** The flags that make up a job; each is absent when it was not given. */
export interface JobFlags extends CompositionFlags, PageFlags, EncodingFlags {
  id?: string;
  output?: string;
  frames?: FrameRange;
  segments?: number;
  segmentSeconds?: number;
  onSeamMismatch?: RenderJobInput['onSeamMismatch'];
  cache?: boolean;
  /** USD. */
  maxCost?: number;
  /** Seconds. */
  maxTime?: number;
}

/** What is known of a job before its flags are looked at. */
export type JobBase = Partial<Omit<RenderJobInput, 'id'>>;

export function addCompositionOptions(command: Command): Command {
  return command
    .optionsGroup('Composition (what is left out is read from the page):')
    .option('--props <file or JSON>', 'input props: a JSON object, or a file with one')
    .option('--fps <rate>', 'frames a second: 30, 29.97, 30000/1001', fpsFlag)
    .option('--width <pixels>', 'width of the page', numberFlag)
    .option('--height <pixels>', 'height of the page', numberFlag)
    .option('--duration <seconds>', 'length of the composition', numberFlag);
}

export function addPageOptions(command: Command): Command {
  const { seekMode, capture, onAssetError } = pageOptionsSchema.shape;
  return command
    .optionsGroup('Page:')
    .addOption(
      new Option(
        '--seek-mode <mode>',
        'replay steps from frame 0, for pages that keep state; auto finds out',
      ).choices(seekMode.unwrap().options),
    )
    .addOption(
      new Option('--capture <mode>', 'how pictures are taken; screenshot is slow and always works').choices(
        capture.unwrap().options,
      ),
    )
    .addOption(
      new Option(
        '--on-asset-error <what>',
        'what a failed script, font, image or media does (default: fail)',
      ).choices(onAssetError.unwrap().options),
    )
    .option('--allow-host <hosts...>', 'reach these hosts only: example.com, *.example.com, example.com:8080')
    .option('--timeout <seconds>', 'longest wait for the page to load, and for each frame', numberFlag);
}

export function addPictureOptions(command: Command): Command {
  return command
    .optionsGroup('Picture:')
    .option('--scale <factor>', 'output pixels a CSS pixel, 0.1 to 4', numberFlag)
    .option('--transparent', "keep the page's transparency (vp8, vp9, prores, png, gif)")
    .option('--jpeg-quality <number>', '1 to 100, for JPEG pictures', numberFlag);
}

export function addEncodingOptions(command: Command): Command {
  const { preset, pixelFormat } = encodingSchema.shape;
  return addPictureOptions(command)
    .addOption(
      new Option('--codec <name>', "video codec (default: what the output's ending says)").choices(
        videoCodecs,
      ),
    )
    .option('--crf <number>', 'constant quality, lower is better', numberFlag)
    .option('--bitrate <rate>', 'bits a second instead of --crf, such as 8M')
    .addOption(new Option('--preset <name>', 'speed of x264 and x265').choices(preset.unwrap().options))
    .addOption(
      new Option('--pixel-format <name>', "FFmpeg's name of a pixel format").choices(
        pixelFormat.unwrap().options,
      ),
    )
    .option('--keyframe-interval <frames>', 'frames between two key frames at the most', countFlag)
    .option(
      '--every-nth-frame <n>',
      "render each n-th frame only; the output's frame rate is divided",
      countFlag,
    )
    .optionsGroup('Sound:')
    .addOption(new Option('--audio-codec <name>', 'sound codec').choices(audioCodecs))
    .option('--audio-bitrate <rate>', 'bits a second, such as 192k')
    .option('--muted', 'leave the sound out');
}

function newId(): string {
  return `render-${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`;
}

/** The entries that have a value. */
function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A folder, a file or an address; `file:` addresses become files. */
export function compositionSource(source: string): string {
  return /^file:\/\//i.test(source) ? fileURLToPath(source) : source;
}

export async function compositionOf(
  source: string,
  flags: CompositionFlags,
): Promise<RenderJobInput['composition']> {
  const { props, fps, width, height, duration } = flags;
  // The schema checks that the props are JSON.
  const inputProps = props === undefined ? undefined : ((await readProps(props)) as never);
  return { source: compositionSource(source), ...given({ fps, width, height, duration, inputProps }) };
}

export function pageOptionsOf(flags: PageFlags): NonNullable<RenderJobInput['page']> {
  const { seekMode, capture, onAssetError, timeout, allowHost: allowHosts } = flags;
  const ms = timeout === undefined ? undefined : Math.round(timeout * 1000);
  const timeouts = ms === undefined ? undefined : { load: ms, frame: ms };
  return given({ seekMode, capture, onAssetError, timeouts, allowHosts });
}

/** The job that flags ask for; what they leave open comes from `base`. */
export async function toRenderJob(
  source: string,
  flags: JobFlags,
  base: JobBase = {},
): Promise<RenderJobInput> {
  const outputPath = flags.output ?? base.outputPath ?? 'out.mp4';
  const { codec, crf, bitrate, preset, pixelFormat, keyframeInterval, scale, everyNthFrame } = flags;
  const { transparent, jpegQuality, audioCodec, audioBitrate, muted } = flags;
  const encoding = {
    ...base.encoding,
    ...given({
      codec: codec ?? codecOfOutput(outputPath, base.encoding?.codec),
      crf,
      bitrate,
      preset,
      pixelFormat,
      keyframeInterval,
      scale,
    }),
    ...given({ everyNthFrame, transparent, jpegQuality, audioCodec, audioBitrate, muted }),
  };
  const composition = await compositionOf(source, flags);
  const chunking: Partial<Chunking> = given({
    segments: flags.segments,
    targetSegmentSeconds: flags.segmentSeconds,
  });
  const budget = { ...base.budget, ...given({ maxCost: flags.maxCost, maxSeconds: flags.maxTime }) };
  const frameRange = flags.frames ?? base.frameRange;
  const merged = { ...base.composition, ...composition };
  if (flags.duration !== undefined) delete merged.durationInFrames;
  return {
    id: flags.id ?? newId(),
    composition: merged,
    ...given({ frameRange, onSeamMismatch: flags.onSeamMismatch ?? base.onSeamMismatch }),
    outputPath,
    encoding,
    chunking: { ...base.chunking, ...chunking },
    ...(Object.keys(budget).length > 0 ? { budget } : {}),
    page: { ...base.page, ...pageOptionsOf(flags) },
    ...given({ cache: flags.cache }),
  };
}

export function addSegmentOptions(command: Command): Command {
  return command
    .optionsGroup('Work:')
    .option(
      '--concurrency <n>',
      'segments at the same time (default: half the cores, at least 2 where memory allows)',
      countFlag,
    )
    .option('--segments <n>', 'cut into just this many segments', countFlag)
    .option('--segment-seconds <seconds>', 'work that a segment should take', numberFlag)
    .addOption(
      new Option(
        '--on-seam-mismatch <what>',
        'what a frame does that two segments show differently where they meet (default: fail)',
      ).choices(renderJobSchema.shape.onSeamMismatch.unwrap().options),
    )
    .option('--no-cache', 'render everything anew: trust nothing that an earlier run left in the store')
    .option('--frames <range>', 'first-last, both rendered, such as 0-149; or one frame', framesFlag);
}

export function addBudgetOptions(command: Command): Command {
  return command
    .optionsGroup('Budget (refused when the estimate is above it, stopped when it is used up):')
    .option('--max-time <duration>', 'time from start to end, such as 90s, 15m or 1h30m', durationFlag)
    .option('--max-cost <USD>', 'cost at list prices, with --on lambda', numberFlag);
}
