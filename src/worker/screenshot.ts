import { codecTraits } from '../types/codecs.ts';
import type { Encoding } from '../types/encoding.ts';
import type { Screenshot } from './frame-ticker.ts';

const JPEG_QUALITY = 95;

/** How the pictures of an encoding are taken. */
export function screenshotOf({ codec, crf, transparent, jpegQuality }: Encoding): Screenshot {
  if (codec === 'jpeg') return { format: 'jpeg', quality: jpegQuality ?? 90 };
  const lossless = crf === 0 || codec === 'prores' || codecTraits[codec].pictures === 'png';
  if (transparent) return { format: 'png' };
  // optimizeForSpeed takes zlib's fast setting; it crushes alpha, which opaque pictures don't have.
  return lossless ? { format: 'png', optimizeForSpeed: true } : { format: 'jpeg', quality: JPEG_QUALITY };
}
