import { z } from 'zod';
import { fpsSchema } from './fps.ts';
import { capturePaths, idSchema } from './render-job.ts';
import { seamsSchema } from './seams.ts';

export const segmentCountsSchema = z.strictObject({
  total: z.int(),
  /** Found in the store. */
  cached: z.int(),
  rendered: z.int(),
  /** Started a second time, since the first attempt was far slower than the others; absent when none was. */
  duplicated: z.int().optional(),
});

/** What a finished render says of its output. */
export const renderResultSchema = z.strictObject({
  id: idSchema,
  /** A path of this machine, or an `s3://` address. */
  output: z.string(),
  bytes: z.int(),
  frames: z.int(),
  fps: fpsSchema,
  width: z.int(),
  height: z.int(),
  durationSeconds: z.number(),
  segments: segmentCountsSchema,
  /** What put the segments together: the kit's own joiner of MP4 files, or FFmpeg. */
  joinedBy: z.enum(['kit', 'ffmpeg']),
  seams: seamsSchema,
  audioTracks: z.int(),
  seekMode: z.enum(['seek', 'replay']),
  /** Segments by how their pictures were taken. */
  capture: z.partialRecord(z.enum(capturePaths), z.int()),
  warnings: z.array(z.string()),
  /** Milliseconds, by phase; on a farm `render` is the sum over its workers. */
  timings: z.strictObject({
    plan: z.number(),
    render: z.number(),
    audio: z.number(),
    stitch: z.number(),
    total: z.number(),
  }),
  /** On a farm: USD at list prices, without free tiers, and the date of the prices. */
  cost: z.strictObject({ usd: z.number(), pricesOf: z.string() }).optional(),
});
export type RenderResult = z.output<typeof renderResultSchema>;

export const renderPhases = ['bundle', 'plan', 'render', 'stitch'] as const;

/** What a running render reports. */
export const renderProgressSchema = z.strictObject({
  phase: z.enum(renderPhases),
  framesDone: z.int(),
  framesTotal: z.int(),
  framesPerSecond: z.number(),
  secondsLeft: z.number().nullable(),
  segments: segmentCountsSchema.extend({ inFlight: z.int(), retried: z.int() }),
});
export type RenderProgress = z.output<typeof renderProgressSchema>;

export const adapterStatusSchema = z.strictObject({
  name: z.string(),
  /** Frame jobs it can work on at the same time. */
  capacity: z.int().min(1),
  inFlight: z.int(),
  completed: z.int(),
  failed: z.int(),
  /** Sent again after a service had refused or dropped them; absent where nothing is sent. */
  resent: z.int().optional(),
  /** Instances of a service that have answered so far. */
  instances: z.int().optional(),
});
export type AdapterStatus = z.output<typeof adapterStatusSchema>;
