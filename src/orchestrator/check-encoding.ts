import path from 'node:path';
import { audioCodecOf, codecTraits, needsEven, outputSize, pixelFormatOf } from '../types/codecs.ts';
import type { ResolvedComposition } from '../types/composition.ts';
import type { Encoding } from '../types/encoding.ts';
import { ValidationError } from '../utils/errors.ts';

function fail(field: string, message: string): never {
  throw new ValidationError(`${field}: ${message}`, { details: { issues: [{ path: field, message }] } });
}

/**
 * Checks what the parts of an encoding ask of each other and of the output path.
 * @throws ValidationError
 */
export function checkEncoding(encoding: Encoding, outputPath: string): void {
  const { codec, crf, bitrate, transparent, pixelFormat } = encoding;
  const traits = codecTraits[codec];
  if (crf !== undefined && bitrate !== undefined)
    fail('encoding.crf', 'can not go with bitrate; give one of them');
  if (crf !== undefined && (!traits.crf || crf > traits.crf.max)) {
    fail(
      'encoding.crf',
      traits.crf ? `must be at most ${traits.crf.max} for ${codec}` : `${codec} has no crf`,
    );
  }
  if (bitrate !== undefined && !traits.crf) fail('encoding.bitrate', `${codec} takes none`);
  if (transparent && !traits.alphaPixelFormat) {
    fail('encoding.transparent', `${codec} keeps no transparency; use prores, vp9, vp8, png or gif`);
  }
  const formats = [...traits.pixelFormats, ...(traits.alphaPixelFormat ? [traits.alphaPixelFormat] : [])];
  if (pixelFormat && !formats.includes(pixelFormat)) {
    fail('encoding.pixelFormat', `${codec} takes ${formats.join(', ')}, not ${pixelFormat}`);
  }
  if (transparent && pixelFormat && pixelFormat !== traits.alphaPixelFormat) {
    fail('encoding.pixelFormat', `keeps no transparency; use ${traits.alphaPixelFormat}`);
  }
  if (traits.pictures && encoding.scale < 0.5) fail('encoding.scale', `must be at least 0.5 for ${codec}`);
  const audio = audioCodecOf(encoding);
  if (audio !== 'none' && !traits.audio.includes(audio)) {
    fail('encoding.audioCodec', `${codec} goes with ${traits.audio.join(', ')}, not ${audio}`);
  }
  const extension = path.extname(outputPath).slice(1).toLowerCase();
  const isFolder = traits.pictures && codec !== 'gif' && extension === '';
  if (!isFolder && !traits.extensions.includes(extension)) {
    fail('outputPath', `${codec} is written to .${traits.extensions.join(', .')}; the path is ${outputPath}`);
  }
}

/**
 * Checks that the pixel format can hold the picture's size.
 * @throws ValidationError
 */
export function checkSize(composition: ResolvedComposition, encoding: Encoding): void {
  const format = pixelFormatOf(encoding);
  const even = needsEven(format);
  const size = outputSize(composition, encoding);
  for (const side of ['width', 'height'] as const) {
    if (!even[side] || size[side] % 2 === 0) continue;
    fail(
      `composition.${side}`,
      `${size[side]} is odd, and ${encoding.codec} in ${format} needs an even ${side}; use ${size[side] + 1}, or --pixel-format yuv444p`,
    );
  }
}
