import type { CompositionRef, CompositionSpec, ResolvedComposition } from '../types/composition.ts';
import type { Encoding } from '../types/encoding.ts';
import type { PageOptions } from '../types/render-job.ts';
import { canonicalJson } from '../utils/digest.ts';
import type { Browser } from '../worker/browser.ts';
import { sessionOptions, type View } from '../worker/camera.ts';
import type { PageDescription } from '../worker/page/page-state.ts';
import { PageSession, type PageSessionOptions } from '../worker/page-session.ts';
import { resolveComposition } from './resolve-composition.ts';

/** How long a page without metadata may take to set `window.helios`, in milliseconds. */
const HELIOS_PATIENCE_MS = 1_500;
const GUESS = { width: 1920, height: 1080, fps: 30, durationInFrames: 1 } as const;

/** What a look at the page found. */
export interface Probe {
  readonly composition: ResolvedComposition;
  readonly description: PageDescription;
  readonly warnings: readonly string[];
}

/** A composition that was loaded as far as can be without knowing what it is. */
export interface ProbedPage extends AsyncDisposable {
  readonly probe: Probe;
  /** The page, at frame 0, if it would be opened no other way for the view. */
  sessionFor(view: View): PageSession | undefined;
}

/** What a composition may be as long as its page has not been seen. */
export function guessOf(spec: CompositionSpec, ref: CompositionRef): ResolvedComposition {
  const { width = GUESS.width, height = GUESS.height, fps = GUESS.fps, inputProps } = spec;
  return { ...GUESS, ref, kind: 'page', width, height, fps, inputProps };
}

/** Of what is asked of a page, all that it can notice. */
function openingOf(options: PageSessionOptions): string {
  const { width, height, fps, inputProps } = options.composition;
  return canonicalJson({ ...options, composition: { width, height, fps, inputProps } });
}

/**
 * Loads a composition, decides what it is, and leaves its page open.
 * @param encoding of its frames, when there will be any
 */
export async function openProbed(
  browser: Browser,
  spec: CompositionSpec,
  ref: CompositionRef,
  page: PageOptions,
  encoding?: Encoding,
): Promise<ProbedPage> {
  const guess = guessOf(spec, ref);
  const asked = encoding && sessionOptions({ composition: guess, encoding, page });
  // What a page says of itself does not depend on the scale; a guess may be far too large for it.
  const options: PageSessionOptions =
    asked && asked.scale <= 1 ? asked : { composition: guess, page, scale: 1, transparent: false };
  const session = await PageSession.open(browser, { ...options, lookForHelios: HELIOS_PATIENCE_MS });
  try {
    const description = await session.describe();
    const composition = resolveComposition(spec, ref, description);
    // While it was not known whether a page is one of Helios, its timers ran, and its animations were ended.
    const isKnown = description.meta !== null || description.helios !== null;
    const isAsUsual = isKnown && !session.endedAnimations;
    return {
      probe: { composition, description, warnings: [...session.warnings] },
      sessionFor: (view) =>
        isAsUsual && openingOf(sessionOptions(view)) === openingOf(options) ? session : undefined,
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/** Loads the composition and decides what it is. */
export async function probeComposition(
  browser: Browser,
  spec: CompositionSpec,
  ref: CompositionRef,
  page: PageOptions,
): Promise<Probe> {
  await using opened = await openProbed(browser, spec, ref, page);
  return opened.probe;
}
