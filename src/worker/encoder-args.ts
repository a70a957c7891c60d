import { codecTraits, pixelFormatOf } from '../types/codecs.ts';
import type { Encoding } from '../types/encoding.ts';
import { type Fps, toRational, trackTimescale } from '../types/fps.ts';
import type { PictureFormat } from './picture.ts';

// Without exact rounding white comes out a level short.
const SHRINK = ':flags=area+accurate_rnd+full_chroma_int+full_chroma_inp';
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
 * Encoders divide pictures among their threads, and by default have as many as the machine has cores: the bytes would
 * depend on it. The quick setting of H.264 keeps up with the browser in one, which holds fewer pictures:
 * docs/performance.md.
 */
function threadsOf({ codec, preset }: Encoding): string[] {
  return ['-threads', codec === 'h264' && !preset ? '1' : '4'];
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
  // Takes half of the encoder's time and memory, for pictures of about the same size and SSIM: docs/performance.md.
  const quick = encoding.preset ? [] : ['-x264-params', 'subme=1:bframes=1:rc-lookahead=5'];
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
}

/** FFmpeg's arguments from a Matroska stream of pictures on stdin to a segment file. */
export function segmentArgs({ encoding, fps, pictures, size, file }: SegmentArgs): string[] {
  const { width, height } = size;
  const { num, den } = toRational(fps);
  const rate = `${num}/${den}`;
  // https://ffmpeg.org/ffmpeg-filters.html#scale: JPEG is BT.601 full range, video BT.709 limited
  const from = pictures === 'jpeg' ? 'in_color_matrix=bt601:in_range=pc:' : '';
  const shrink = encoding.scale < 0.5 ? SHRINK : '';
  const filters = [
    // What is 4:2:0 already is encoded as it comes.
    ...(pictures === 'i420'
      ? []
      : [`scale=${width}:${height}:${from}out_color_matrix=bt709:out_range=tv${shrink}`]),
    `format=${pixelFormatOf(encoding)}`,
    `fps=${rate}:round=near`,
  ];
  const keyframeInterval = encoding.keyframeInterval ?? Math.max(1, Math.round((2 * num) / den));
  const { segmentExtension } = codecTraits[encoding.codec];
  return [
    ...['-f', 'matroska', '-protocol_whitelist', 'pipe', '-i', 'pipe:0', '-an', '-vf', filters.join(',')],
    ...encoderArgs(encoding, keyframeInterval),
    ...threadsOf(encoding),
    ...BT709,
    ...(segmentExtension === 'webm' ? [] : ['-video_track_timescale', String(trackTimescale(fps))]),
    ...['-fflags', '+bitexact', '-flags:v', '+bitexact', file],
  ];
}
