import { z } from 'zod';
import { sha256Schema } from './composition.ts';

/** Where the bytes of a sound are. */
export const audioSourceSchema = z.discriminatedUnion('kind', [
  /** A file of the bundle, or one that the page made itself (`blob:`, `data:`): `blobs/<sha256>` of the store. */
  z.strictObject({ kind: z.literal('blob'), sha256: sha256Schema }),
  z.strictObject({ kind: z.literal('url'), url: z.url({ protocol: /^https?$/ }) }),
]);
export type AudioSource = z.output<typeof audioSourceSchema>;

const secondsSchema = z.number().min(0);

const curves = [
  'quad',
  'cubic',
  'quart',
  'quint',
  'sine',
  'expo',
  'circ',
  'back',
  'elastic',
  'bounce',
] as const;
const directions = ['in', 'out', 'inOut'] as const;

/** The names that @helios-project/core knows (`quad.in`, …), and CSS's, which mean the quadratic ones. */
export const fadeEasings = [
  'linear',
  'ease-in',
  'ease-out',
  'ease-in-out',
  ...curves.flatMap((curve) => directions.map((direction) => `${curve}.${direction}` as const)),
] as const;
export type FadeEasing = (typeof fadeEasings)[number];

/** One sound on the timeline. All times are seconds; the timeline starts at frame 0 of the composition. */
export const audioTrackSchema = z.strictObject({
  id: z.string().min(1),
  source: audioSourceSchema,
  /** When it starts on the timeline. */
  startTime: secondsSchema,
  /** When it ends on the timeline at the latest; without it, when the source (or the composition) ends. */
  endTime: secondsSchema.optional(),
  /** Where in the source it starts. */
  mediaStart: secondsSchema.default(0),
  /** Begins again at the start of the source when the source ends. */
  loop: z.boolean().default(false),
  /** 1 is unchanged; pitch is kept, as browsers do. */
  playbackRate: z.number().min(0.0625).max(16).default(1),
  /** Linear gain before the fades. */
  volume: z.number().min(0).max(1).default(1),
  fadeIn: secondsSchema.default(0),
  fadeOut: secondsSchema.default(0),
  fadeEasing: z.enum(fadeEasings).default('linear'),
});
export type AudioTrack = z.output<typeof audioTrackSchema>;
