import { z } from 'zod';
import { fpsSchema } from './fps.ts';

/** Twelve hours at the highest frame rate. */
export const MAX_DURATION_IN_FRAMES = 12 * 3600 * 240;
/** The longest composition, in seconds. */
export const MAX_DURATION_SECONDS = 12 * 3600;

/** A side of the picture in CSS pixels, 2 to 8192. */
export const sizeSchema = z.int().min(2).max(8192);
export const durationInFramesSchema = z.int().min(1).max(MAX_DURATION_IN_FRAMES);

const MAX_PROPS_DEPTH = 64;
type Json = z.output<ReturnType<typeof z.json>>;

function isShallow(value: unknown, levels = MAX_PROPS_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

/** Values handed to the page as `window.__HELIOS_PROPS__`: plain JSON, at most 64 levels deep. */
export const inputPropsSchema = z
  .custom<Record<string, Json>>(
    (value) => isShallow(value),
    `must be plain JSON of at most ${MAX_PROPS_DEPTH} levels that does not contain itself`,
  )
  .pipe(z.record(z.string(), z.json()));
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');

/** What the user says of a composition; what is left out is read from the page. */
export const compositionSpecSchema = z.strictObject({
  /** A folder with an index.html, an HTML file, or an http(s) URL. */
  source: z.string().min(1),
  width: sizeSchema.optional(),
  height: sizeSchema.optional(),
  fps: fpsSchema.optional(),
  durationInFrames: durationInFramesSchema.optional(),
  /** Seconds; an alternative to `durationInFrames`, which wins when both are given. */
  duration: z.number().positive().max(MAX_DURATION_SECONDS).optional(),
  inputProps: inputPropsSchema.default({}),
});
export type CompositionSpec = z.output<typeof compositionSpecSchema>;

/** Where a worker finds the page: a bundle in the store, or an address. */
export const compositionRefSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bundle'), digest: sha256Schema, entry: z.string().min(1).max(1024) }),
  z.strictObject({ kind: z.literal('url'), url: z.url({ protocol: /^https?$/ }) }),
]);
export type CompositionRef = z.output<typeof compositionRefSchema>;

/** A composition with everything decided. */
export const resolvedCompositionSchema = z.strictObject({
  ref: compositionRefSchema,
  /** Whether the page sets `window.helios` (and is to be waited for until it does). */
  kind: z.enum(['helios', 'page']),
  width: sizeSchema,
  height: sizeSchema,
  fps: fpsSchema,
  durationInFrames: durationInFramesSchema,
  inputProps: inputPropsSchema,
});
export type ResolvedComposition = z.output<typeof resolvedCompositionSchema>;
