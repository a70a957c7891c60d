import { codecTraits, pixelFormatOf } from '../types/codecs.ts';
import type { Encoding } from '../types/encoding.ts';
import { type Fps, toRational, trackTimescale } from '../types/fps.ts';
import type { PictureFormat } from './picture.ts';

/** Otherwise white of a JPEG, and of a picture made smaller, comes out a level short. */
const EXACTLY = 'accurate_rnd+full_chroma_int+full_chroma_inp';
const BT709 = [
  '-colorspace',
  'bt709',
  '-color_primaries',
  'bt709',
  '-color_trc',
  'bt709',
  '-color_range',
  'tv',
];

/**
 * What x264 does unless a job names a preset, beside `veryfast`: half of the work for pictures of about the same SSIM
 * (docs/performance.md has their sizes), each referring to the one before it alone, as `fillGaps` needs it.
 */
const QUICK = [
  'subme=1:me=dia:partitions=i4x4:no-8x8dct=1',
  'ref=1:bframes=0:rc-lookahead=5',
  // Nearer to x264's own tuning for animation: pages have flat areas that need no more bits than others.
  'aq-strength=0.8:qcomp=0.7',
  // Otherwise a picture gets the more bits the longer it is shown.
  'force-cfr=1',
].join(':');

const isQuick = ({ codec, preset }: Encoding): boolean => codec === 'h264' && !preset;

/**
 * Whether the encoder is not given all frames that show the picture before once more, for `fillGaps` to add them. A bit
 * rate is an average over the frames that the encoder sees.
 */
export function leavesGaps(encoding: Encoding): boolean {
  return isQuick(encoding) && !encoding.bitrate;
}

/** Frames from one key frame to the next at the most. */
export function keyframeIntervalOf({ keyframeInterval }: Encoding, fps: Fps): number {
  const { num, den } = toRational(fps);
  return keyframeInterval ?? Math.max(1, Math.round((2 * num) / den));
}

/**
 * Encoders divide pictures among their threads, and by default have as many as the machine has cores: the bytes would
 * depend on it. The quick setting keeps up with the browser in one, which holds fewer pictures.
 */
function threadsOf(encoding: Encoding): string[] {
  return ['-threads', isQuick(encoding) ? '1' : '4'];
}

/** Lets pictures come at the times of their frames, with nothing between them, and a key frame each interval. */
function gapArgs(fps: Fps, keyframeInterval: number): string[] {
  const { num, den } = toRational(fps);
  const isDue = `gte(t*${num}/${den}+0.5,n_forced*${keyframeInterval})`;
  return ['-enc_time_base', `${den}:${num}`, '-force_key_frames', `expr:${isDue}`];
}

function rateControl({ codec, crf, bitrate }: Encoding): string[] {
  if (bitrate) return ['-b:v', bitrate];
  const quality = String(crf ?? codecTraits[codec].crf?.default);
  // Constant quality needs a zero bit rate in VP9, and a ceiling in VP8.
  if (codec === 'vp9') return ['-crf', quality, '-b:v', '0'];
  if (codec === 'vp8') return ['-crf', quality, '-b:v', '20M'];
  return ['-crf', quality];
}

function encoderArgs(encoding: Encoding, keyframeInterval: number): string[] {
  const { codec, preset = 'veryfast' } = encoding;
  const quick = isQuick(encoding) ? ['-x264-params', QUICK] : [];
  const group = ['-g', String(keyframeInterval)];
  switch (codec) {
    case 'h264':
      return ['-c:v', 'libx264', '-preset', preset, ...quick, ...rateControl(encoding), ...group];
    case 'h265':
      return [
        ...['-c:v', 'libx265', '-preset', preset, ...rateControl(encoding), ...group, '-tag:v', 'hvc1'],
        ...['-x265-params', `log-level=error:open-gop=0:keyint=${keyframeInterval}`],
      ];
    case 'vp8':
    case 'vp9': {
      const library = codec === 'vp8' ? 'libvpx' : 'libvpx-vp9';
      const speed = ['-deadline', 'good', '-cpu-used', '4', ...(codec === 'vp9' ? ['-row-mt', '1'] : [])];
      const alpha = encoding.transparent ? ['-auto-alt-ref', '0', '-metadata:s:v:0', 'alpha_mode=1'] : [];
      return ['-c:v', library, ...rateControl(encoding), ...group, ...speed, ...alpha];
    }
    case 'prores': {
      const profile = /444/.test(pixelFormatOf(encoding)) ? '4' : '3';
      return ['-c:v', 'prores_ks', '-profile:v', profile, '-vendor', 'apl0', '-bits_per_mb', '8000'];
    }
    default:
      throw new RangeError(`${codec} has no encoder`);
  }
}

export interface SegmentArgs {
  readonly encoding: Encoding;
  /** Of the output. */
  readonly fps: Fps;
  readonly pictures: PictureFormat;
  /** Of the output, in pixels. */
  readonly size: { readonly width: number; readonly height: number };
  readonly file: string;
  /** `pacingArgs('vfr')` where the encoding `leavesGaps`; elsewhere it counts for nothing. */
  readonly pacing: readonly string[];
}

/** FFmpeg's arguments from a Matroska stream of pictures on stdin to a segment file. */
export function segmentArgs({ encoding, fps, pictures, size, file, pacing }: SegmentArgs): string[] {
  const { width, height } = size;
  const { num, den } = toRational(fps);
  // https://ffmpeg.org/ffmpeg-filters.html#scale: JPEG is BT.601 full range, video BT.709 limited
  const from = pictures === 'jpeg' ? 'in_color_matrix=bt601:in_range=pc:' : '';
  const isShrunk = encoding.scale < 0.5;
  const how = isShrunk || pictures === 'jpeg' ? `:flags=${isShrunk ? 'area' : 'bicubic'}+${EXACTLY}` : '';
  const filters = [
    // What is 4:2:0 already is encoded as it comes.
    ...(pictures === 'i420'
      ? []
      : [`scale=${width}:${height}:${from}out_color_matrix=bt709:out_range=tv${how}`]),
    `format=${pixelFormatOf(encoding)}`,
    ...(leavesGaps(encoding) ? [] : [`fps=${num}/${den}:round=near`]),
  ];
  const keyframeInterval = keyframeIntervalOf(encoding, fps);
  const { segmentExtension } = codecTraits[encoding.codec];
  return [
    ...['-f', 'matroska', '-protocol_whitelist', 'pipe', '-i', 'pipe:0', '-an', '-vf', filters.join(',')],
    ...(leavesGaps(encoding) ? [...pacing, ...gapArgs(fps, keyframeInterval)] : []),
    ...encoderArgs(encoding, keyframeInterval),
    ...threadsOf(encoding),
    ...BT709,
    ...(segmentExtension === 'webm' ? [] : ['-video_track_timescale', String(trackTimescale(fps))]),
    ...['-fflags', '+bitexact', '-flags:v', '+bitexact', file],
  ];
}
