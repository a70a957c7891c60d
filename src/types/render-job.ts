import { z } from 'zod';
import { compositionSpecSchema } from './composition.ts';
import { encodingSchema } from './encoding.ts';

/** Letters, digits, `_` and `-`, 1 to 64 of them. */
export const idSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"');

/** `[start, end)`: integers, 0-based; start is rendered, end is not. */
export const frameRangeSchema = z
  .tuple([z.int().min(0), z.int().min(1)])
  .refine(([start, end]) => end > start, 'the end must be above the start: [start, end) is half open');
export type FrameRange = z.output<typeof frameRangeSchema>;

/** How long a worker waits before it gives up, in milliseconds. */
export const timeoutsSchema = z.strictObject({
  /** From navigation until the page can be seeked. @default 30000 */
  load: z.int().min(100).max(900_000).default(30_000),
  /** For one frame: its seek, fonts, images, media and the picture. @default 30000 */
  frame: z.int().min(100).max(900_000).default(30_000),
});
export type Timeouts = z.output<typeof timeoutsSchema>;

/** How a job is cut into segments. */
export const chunkingSchema = z.strictObject({
  /** Seconds of work a segment should take on one worker. @default 20; 8 on a machine of more than 4 cores */
  targetSegmentSeconds: z.number().min(1).max(800).optional(),
  /** Frame jobs at work at the same time. @default what the adapter can carry */
  maxParallel: z.int().min(1).max(10_000).optional(),
  /** Cuts into just this many segments, whatever they cost. */
  segments: z.int().min(1).max(10_000).optional(),
});
export type Chunking = z.output<typeof chunkingSchema>;

/** `example.com`, or `*.example.com` for the names below it; a port may follow. */
export const hostPatternSchema = z
  .string()
  .max(260)
  .regex(
    /^(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i,
    'must be a host such as "example.com", "*.example.com" or "example.com:8080"',
  );

/** Ways to take pictures, the fastest first. */
export const capturePaths = ['framebuffer', 'begin-frame', 'screenshot'] as const;
export type CapturePath = (typeof capturePaths)[number];

/** What decides how pages are driven and pictures taken. */
export const pageOptionsSchema = z.strictObject({
  /** What a failed script, font, image or media of the composition does. @default "fail" */
  onAssetError: z.enum(['fail', 'warn']).default('fail'),
  /** `replay` steps from frame 0; `auto` lets the plan find out whether that is needed. @default "auto" */
  seekMode: z.enum(['auto', 'seek', 'replay']).default('auto'),
  /**
   * How pictures are taken: `framebuffer` reads them raw from the browser's memory, `begin-frame` has the browser
   * compress them, `screenshot` is the slow, always available way. `auto` tries them in this order.
   * @default "auto"
   */
  capture: z.enum(['auto', ...capturePaths]).default('auto'),
  timeouts: timeoutsSchema.prefault({}),
  /** The only hosts that the page reaches beside its own. @default every public address */
  allowHosts: z.array(hostPatternSchema).max(100).optional(),
});
export type PageOptions = z.output<typeof pageOptionsSchema>;

/** What a frame does that looks otherwise at the end of one segment than at the start of the next. */
export const onSeamMismatchSchema = z.enum(['fail', 'warn']);
/** What a render may take; refused when its estimate is above, stopped when it gets there. */
export const budgetSchema = z.strictObject({
  /** USD at list prices, on a farm; a render driven from one's own process counts no cost and refuses it. */
  maxCost: z.number().positive().max(1_000_000).optional(),
  /** Seconds from start to end. */
  maxSeconds: z.number().positive().max(31_536_000).optional(),
});
export type Budget = z.output<typeof budgetSchema>;

/** One request: a composition, a frame range, an encoding, an output path. */
export const renderJobSchema = z.strictObject({
  id: idSchema,
  composition: compositionSpecSchema,
  /** @default the whole composition */
  frameRange: frameRangeSchema.optional(),
  /** A file; for image sequences a folder, or a file pattern such as `out/%05d.png`. */
  outputPath: z.string().min(1),
  encoding: encodingSchema.prefault({}),
  chunking: chunkingSchema.prefault({}),
  page: pageOptionsSchema.prefault({}),
  /** What a seam does whose two sides show its frame differently. @default "fail" */
  onSeamMismatch: onSeamMismatchSchema.default('fail'),
  /** `false` renders everything anew: nothing that an earlier run stored or measured is trusted. @default true */
  cache: z.boolean().default(true),
  /** @default no limit */
  budget: budgetSchema.optional(),
});
/** A job as it is written: whatever has a default may be left out. */
export type RenderJobInput = z.input<typeof renderJobSchema>;
export type RenderJob = z.output<typeof renderJobSchema>;
