import { z } from 'zod';
import { resolvedCompositionSchema, sha256Schema } from './composition.ts';
import { encodingSchema } from './encoding.ts';
import { capturePaths, frameRangeSchema, idSchema, pageOptionsSchema } from './render-job.ts';

/** `<SHA-256 of what decides the pixels>/<start>-<end>`. */
const segmentKeySchema = z.string().regex(/^[0-9a-f]{64}\/\d+-\d+$/, 'must be a digest and a range');
/** A frame job's, or with `_<id>` behind it when the segment belongs to one job alone. */
const storedKeySchema = z
  .string()
  .regex(/^[0-9a-f]{64}\/\d+-\d+(_[A-Za-z0-9_-]{1,64})?$/, 'must be a digest, a range and possibly a job');

/** One frame range of a plan, for one worker. */
export const frameJobSchema = z.strictObject({
  jobId: idSchema,
  /** Place in the plan, 0-based. */
  index: z.int().min(0),
  composition: resolvedCompositionSchema,
  /** In the composition's frames; `encoding.everyNthFrame` counts from its start. */
  range: frameRangeSchema,
  /**
   * Whether the frame after the segment, `range[1]`, is taken as well, and not encoded. `tried` where no segment of
   * the plan needs it: a failure there is none. @default "none"
   */
  lookAhead: z.enum(['none', 'tried', 'needed']).default('none'),
  /** Whether the frame before the segment is taken as well, since the segment there did not look ahead. @default false */
  lookBack: z.boolean().default(false),
  encoding: encodingSchema,
  page: pageOptionsSchema.extend({ seekMode: z.enum(['seek', 'replay']) }),
  /** Digest of all that decides the pixels, and the range; the segment's name in the store. */
  segmentKey: segmentKeySchema,
  /** Version of the worker that the plan was made for; another one refuses the job. */
  workerVersion: z.string().min(1),
});
export type FrameJob = z.output<typeof frameJobSchema>;

/** Milliseconds spent, by part. */
export const frameTimingsSchema = z.strictObject({
  browser: z.number(),
  load: z.number(),
  firstFrame: z.number(),
  seek: z.number(),
  capture: z.number(),
  /** All that is done for the seams: keeping pictures, and the frames before and after the segment; the former is in `seek` and `capture` as well. */
  seams: z.number(),
  encodeWait: z.number(),
  /** From the first frame to the last, with all waiting. */
  frames: z.number(),
  total: z.number(),
});

/** A frame's picture that is kept, as PNG, for comparing it with what another segment saw. */
export const keptPictureSchema = z.strictObject({
  /** Of the picture that went to the encoder, as in the record's `frameDigests`. */
  digest: sha256Schema,
  /** Of the file. */
  sha256: sha256Schema,
  /** The store's key of the picture. */
  key: z.string(),
});
export type KeptPicture = z.output<typeof keptPictureSchema>;

/** What a worker says of the segment it wrote. */
export const frameResultSchema = z.strictObject({
  index: z.int().min(0),
  /** Its name in the store: the frame job's, or {@link ownSegmentKey}. */
  segmentKey: storedKeySchema,
  /** The store's key of the video. */
  videoKey: z.string(),
  sha256: sha256Schema,
  bytes: z.int().min(1),
  frames: z.int().min(1),
  /** True when the segment was found in the store and not rendered. */
  cached: z.boolean(),
  /** Frames whose picture was taken; the others showed no change from the frame before. */
  captured: z.int().min(0),
  firstPicture: keptPictureSchema,
  /** Of the frame after the last; `null` when it was not asked for, or failed where nothing needs it. */
  nextPicture: keptPictureSchema.nullable(),
  /** Of the last frame, for the segment after it to compare with; `null` beside a `nextPicture`. */
  lastPicture: keptPictureSchema.nullable(),
  /** Of the frame before the first; `null` when it was not asked for. */
  previousPicture: keptPictureSchema.nullable(),
  captureMode: z.enum(capturePaths),
  warnings: z.array(z.string()),
  timings: frameTimingsSchema,
  workerVersion: z.string(),
});
export type FrameResult = z.output<typeof frameResultSchema>;
export type FrameTimings = z.output<typeof frameTimingsSchema>;

/** The sidecar `segments/<key>.json`: the result, and the digest of each frame's picture before the encoder. */
export const segmentRecordSchema = frameResultSchema.extend({
  frameDigests: z.array(z.string()),
});
export type SegmentRecord = z.output<typeof segmentRecordSchema>;

/** The name of a job's segment that belongs to it alone, since its page asked other hosts, whose answers may change. */
export function ownSegmentKey({ segmentKey, jobId }: Pick<FrameJob, 'segmentKey' | 'jobId'>): string {
  return `${segmentKey}_${jobId}`;
}

/** Whether a stored segment of this name is that of a job. */
export function isSegmentOf(
  job: Pick<FrameJob, 'segmentKey' | 'jobId'>,
  { segmentKey }: Pick<FrameResult, 'segmentKey'>,
): boolean {
  return segmentKey === job.segmentKey || segmentKey === ownSegmentKey(job);
}
