import { codecTraits } from './codecs.ts';
import type { Encoding } from './encoding.ts';

const JPEG_QUALITY = 95;

/** How a picture is taken. */
export interface Screenshot {
  readonly format: 'jpeg' | 'png';
  /** 1 to 100, for `jpeg`. */
  readonly quality?: number;
  readonly optimizeForSpeed?: boolean;
}

/** How pictures are taken that are kept for comparison. */
export const keptScreenshot: Screenshot = { format: 'png', optimizeForSpeed: true };

/** How the pictures of an encoding are taken. */
export function screenshotOf({ codec, crf, transparent, jpegQuality }: Encoding): Screenshot {
  if (codec === 'jpeg') return { format: 'jpeg', quality: jpegQuality ?? 90 };
  const lossless = crf === 0 || codec === 'prores' || codecTraits[codec].pictures === 'png';
  if (transparent) return { format: 'png' };
  // optimizeForSpeed takes zlib's fast setting; it crushes alpha, which opaque pictures don't have.
  return lossless ? keptScreenshot : { format: 'jpeg', quality: JPEG_QUALITY };
}
