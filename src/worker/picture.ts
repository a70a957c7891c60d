import { sha256 } from '../utils/digest.ts';

/** Planes of 4:2:0 in BT.709 limited range, or 4 bytes a pixel. */
export type RawFormat = 'i420' | 'bgra';

/** Of a picture's bytes: compressed or raw. */
export type PictureFormat = 'png' | 'jpeg' | RawFormat;

export function isRaw(format: PictureFormat): format is RawFormat {
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
