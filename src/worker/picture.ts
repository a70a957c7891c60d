import { sha256 } from '../utils/digest.ts';

/** Of a picture's bytes: compressed, or raw: planes of 4:2:0 in BT.709 limited range, or 4 bytes a pixel. */
export type PictureFormat = 'png' | 'jpeg' | 'i420' | 'bgra';

export function isRaw(format: PictureFormat): format is 'i420' | 'bgra' {
  return format === 'i420' || format === 'bgra';
}

/** A frame's picture as it was captured. */
export interface Picture {
  readonly format: PictureFormat;
  readonly bytes: Buffer;
  /** 64 hexadecimal digits that change with the bytes. */
  readonly digest: string;
}

export function compressedPicture(format: 'png' | 'jpeg', bytes: Buffer): Picture {
  return { format, bytes, digest: sha256(bytes) };
}
