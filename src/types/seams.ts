import { z } from 'zod';
import { sha256Schema } from './composition.ts';

/** How far two pictures of the same frame are apart. */
export const pictureDifferenceSchema = z.strictObject({
  /** Levels, 0 to 255, by which the channel differs that differs most. */
  levels: z.int(),
  /** Pixels that differ. */
  pixels: z.int(),
});
export type PictureDifference = z.output<typeof pictureDifferenceSchema>;

/** A frame that two neighbours saw: the second's first one, or the first's last, as each of them did. */
export const seamSchema = z.strictObject({
  /** In the composition's frames. */
  frame: z.int().min(0),
  /** Indices of the two segments. */
  segments: z.tuple([z.int(), z.int()]),
  /** Of the two pictures before the encoder. */
  digests: z.tuple([sha256Schema, sha256Schema]),
  /** The store's keys of the two pictures. */
  pictures: z.tuple([z.string(), z.string()]),
  ...pictureDifferenceSchema.shape,
});
export type Seam = z.output<typeof seamSchema>;

/** A result lists so many seams that differ at the most. */
export const LISTED_SEAMS = 100;

/** What was found where a render's segments meet. */
export const seamsSchema = z.strictObject({
  /** Seams whose two sides are known: `matched`, `rounded` and `mismatched` together. */
  checked: z.int(),
  /** Bit for bit the same on both sides. */
  matched: z.int(),
  /** The same but for a rounding of the browser. */
  rounded: z.int(),
  mismatched: z.int(),
  /** Neither side saw a frame of the other. */
  unproved: z.int(),
  /** The first 100 that differ by a rounding. */
  roundings: z.array(seamSchema),
  /** The first 100 that differ. */
  mismatches: z.array(seamSchema),
});
export type Seams = z.output<typeof seamsSchema>;
