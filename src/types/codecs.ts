import type { AudioCodec, Encoding, VideoCodec } from './encoding.ts';

/** What holds for a codec. The first of a list is the default. */
export interface CodecTraits {
  readonly segmentExtension: 'mp4' | 'mov' | 'webm' | 'mkv';
  /** Endings of output files. */
  readonly extensions: readonly string[];
  readonly audio: readonly AudioCodec[];
  readonly pixelFormats: readonly string[];
  /** Pixel format that keeps transparency. */
  readonly alphaPixelFormat?: string;
  readonly crf?: { readonly default: number; readonly max: number };
  /** Segments hold the pictures as they were taken, with no encoder in between. */
  readonly pictures?: 'png' | 'jpeg';
}

export const codecTraits: Readonly<Record<VideoCodec, CodecTraits>> = {
  h264: {
    segmentExtension: 'mp4',
    extensions: ['mp4', 'mov', 'm4v', 'mkv'],
    audio: ['aac', 'mp3', 'none'],
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p', 'yuv420p10le', 'yuv422p10le', 'yuv444p10le'],
    crf: { default: 20, max: 51 },
  },
  h265: {
    segmentExtension: 'mp4',
    extensions: ['mp4', 'mov', 'm4v', 'mkv'],
    audio: ['aac', 'mp3', 'none'],
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p', 'yuv420p10le', 'yuv422p10le', 'yuv444p10le'],
    crf: { default: 24, max: 51 },
  },
  vp8: {
    segmentExtension: 'webm',
    extensions: ['webm', 'mkv'],
    audio: ['opus', 'none'],
    pixelFormats: ['yuv420p'],
    alphaPixelFormat: 'yuva420p',
    crf: { default: 10, max: 63 },
  },
  vp9: {
    segmentExtension: 'webm',
    extensions: ['webm', 'mkv'],
    audio: ['opus', 'none'],
    pixelFormats: ['yuv420p', 'yuv422p', 'yuv444p'],
    alphaPixelFormat: 'yuva420p',
    crf: { default: 30, max: 63 },
  },
  prores: {
    segmentExtension: 'mov',
    extensions: ['mov'],
    audio: ['wav', 'aac', 'none'],
    pixelFormats: ['yuv422p10le', 'yuv444p10le'],
    alphaPixelFormat: 'yuva444p10le',
  },
  gif: {
    segmentExtension: 'mkv',
    extensions: ['gif'],
    audio: ['none'],
    pixelFormats: ['rgba'],
    alphaPixelFormat: 'rgba',
    pictures: 'png',
  },
  png: {
    segmentExtension: 'mkv',
    extensions: ['png'],
    audio: ['none'],
    pixelFormats: ['rgba'],
    alphaPixelFormat: 'rgba',
    pictures: 'png',
  },
  jpeg: {
    segmentExtension: 'mkv',
    extensions: ['jpg', 'jpeg'],
    audio: ['none'],
    pixelFormats: ['yuvj420p'],
    pictures: 'jpeg',
  },
};

/** The pixel format that an encoding comes to. */
export function pixelFormatOf(encoding: Encoding): string {
  const { pixelFormats, alphaPixelFormat } = codecTraits[encoding.codec];
  return (
    encoding.pixelFormat ??
    (encoding.transparent ? alphaPixelFormat : undefined) ??
    (pixelFormats[0] as string)
  );
}

/** The sound codec that an encoding comes to; `none` when it is muted. */
export function audioCodecOf(encoding: Encoding): AudioCodec {
  if (encoding.muted) return 'none';
  return encoding.audioCodec ?? codecTraits[encoding.codec].audio[0] ?? 'none';
}

/** Whether a picture's sides must be even: chroma is halved in that direction. */
export function needsEven(pixelFormat: string): { readonly width: boolean; readonly height: boolean } {
  return { width: /42[02]p/.test(pixelFormat), height: /420p/.test(pixelFormat) };
}

/** Size of the output in pixels. */
export function outputSize(
  composition: { width: number; height: number },
  encoding: Pick<Encoding, 'scale'>,
): { width: number; height: number } {
  return {
    width: Math.round(composition.width * encoding.scale),
    height: Math.round(composition.height * encoding.scale),
  };
}

/** Device pixels a CSS pixel of the pictures: the browser's least is 0.5, below which FFmpeg makes them smaller. */
export function captureScale({ scale }: Encoding): number {
  return scale < 0.5 ? 1 : scale;
}

/** Size of the pictures that are taken, in pixels. */
export function pictureSize({
  composition,
  encoding,
}: {
  readonly composition: { readonly width: number; readonly height: number };
  readonly encoding: Encoding;
}): { width: number; height: number } {
  return outputSize(composition, { scale: captureScale(encoding) });
}

/** The frames of a range that an encoding shows: its start, and each n-th after it. */
export function outputFrames([start, end]: readonly [number, number], encoding: Encoding): number {
  return Math.ceil((end - start) / encoding.everyNthFrame);
}

/**
 * In what form pictures reach the encoder when they are not compressed on the way; `undefined` when they have to be
 * PNG or JPEG.
 */
export function rawFormatOf({
  composition,
  encoding,
}: {
  readonly composition: { readonly width: number; readonly height: number };
  readonly encoding: Encoding;
}): 'i420' | 'bgra' | undefined {
  if (encoding.transparent || codecTraits[encoding.codec].pictures) return undefined;
  const { width, height } = pictureSize({ composition, encoding });
  const fits = width % 2 === 0 && height % 2 === 0 && width >= 8 && captureScale(encoding) === encoding.scale;
  return fits && pixelFormatOf(encoding) === 'yuv420p' ? 'i420' : 'bgra';
}
