import {
  type CompositionRef,
  type CompositionSpec,
  MAX_DURATION_IN_FRAMES,
  MAX_DURATION_SECONDS,
  type ResolvedComposition,
  resolvedCompositionSchema,
} from '../types/composition.ts';
import { type Fps, fpsSchema, secondsToFrames } from '../types/fps.ts';
import { CompositionMetadataError } from '../utils/errors.ts';
import type { PageDescription } from '../worker/page/page-state.ts';

const FIELDS = ['width', 'height', 'fps', 'duration'] as const;
type Field = (typeof FIELDS)[number];

/** The fields of `<meta name="helios-composition">`, as they are written. */
function parseMeta(content: string | null): Partial<Record<Field, string>> {
  const pairs = (content ?? '').split(',').map((pair) => pair.split('=').map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([name]) => FIELDS.includes(name as Field)));
}

function fail(field: Field, found: unknown, wanted: string): never {
  throw new CompositionMetadataError(
    `The composition's ${field} is ${JSON.stringify(found)}; it must be ${wanted}. Mend the page, or pass --${field}.`,
    { details: { field, found } },
  );
}

function refuseMissing(fields: readonly Field[]): void {
  if (fields.length === 0) return;
  const flags = fields.map((field) => `--${field}`);
  throw new CompositionMetadataError(
    `The composition does not say its ${fields.join(', ')}. Pass ${flags.join(', ')}, or add <meta name="helios-composition" content="width=1920, height=1080, fps=30, duration=5"> to the page.`,
    { details: { field: fields[0], fields } },
  );
}

function side(field: 'width' | 'height', found: unknown): number {
  const value = Number(found);
  if (!Number.isInteger(value) || value < 2 || value > 8192)
    fail(field, found, 'a whole number from 2 to 8192');
  return value;
}

function frameRate(found: unknown): Fps {
  const parsed = fpsSchema.safeParse(found);
  return parsed.success ? parsed.data : fail('fps', found, 'from 1 to 240, such as 30 or 30000/1001');
}

function durationFrames(found: unknown, fps: Fps): number {
  const seconds = Number(found);
  if (!(seconds > 0) || seconds > MAX_DURATION_SECONDS) {
    fail('duration', found, `above 0 and at most ${MAX_DURATION_SECONDS} seconds (12 hours)`);
  }
  return Math.min(MAX_DURATION_IN_FRAMES, Math.max(1, secondsToFrames(seconds, fps)));
}

/**
 * Decides size, frame rate and duration: what the job says goes before what the page says (`window.helios`,
 * the meta tag, for the duration at last the longest finite animation).
 * @throws CompositionMetadataError
 */
export function resolveComposition(
  spec: CompositionSpec,
  ref: CompositionRef,
  page: PageDescription,
): ResolvedComposition {
  const meta = parseMeta(page.meta);
  const find = (field: Field): unknown => spec[field] ?? page.helios?.[field] ?? meta[field];
  const found = {
    width: find('width'),
    height: find('height'),
    fps: find('fps'),
    duration: spec.durationInFrames ?? find('duration') ?? page.longestAnimation ?? undefined,
  };
  refuseMissing(FIELDS.filter((field) => found[field] === undefined));
  const fps = frameRate(found.fps);
  return resolvedCompositionSchema.parse({
    ref,
    kind: page.helios ? 'helios' : 'page',
    width: side('width', found.width),
    height: side('height', found.height),
    fps,
    durationInFrames: spec.durationInFrames ?? durationFrames(found.duration, fps),
    inputProps: spec.inputProps,
  } satisfies ResolvedComposition);
}
