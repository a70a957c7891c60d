import type { ResolvedComposition } from '../types/composition.ts';
import type { FrameRange, RenderJob } from '../types/render-job.ts';
import { runLimited } from '../utils/run-limited.ts';
import type { Browser } from '../worker/browser.ts';
import { sessionOptions } from '../worker/camera.ts';
import { PageSession } from '../worker/page-session.ts';
import type { Probe, ProbedPage } from './probe.ts';
import { type SeekTrial, SeekTry, type SeekWay } from './try-seeking.ts';

/** Lends a browser that reads the composition. */
export type Lend = <T>(work: (browser: Browser) => Promise<T>) => Promise<T>;

/** What is rendered of a page. */
export interface Wanted {
  readonly composition: ResolvedComposition;
  readonly range: FrameRange;
}

/** A page that has to be seen before it is known what is rendered of it. */
export interface Unseen {
  readonly open: (browser: Browser) => Promise<ProbedPage>;
  readonly decide: (probe: Probe) => Wanted;
}

export interface LookOptions {
  readonly lend: Lend;
  /** Whether the two ways to a frame are gone at the same time, in two browsers. */
  readonly sideBySide: boolean;
  readonly of: Wanted | Unseen;
  /** Whether the steps found enough, so that no frame has to be reached at once. @default never */
  readonly suffices?: ((found: SeekTrial, wanted: Wanted) => Promise<boolean>) | undefined;
}

/**
 * Finds out what frames of a page cost, and whether they can be seeked to. The browsers open an unseen page before
 * anything is decided, and look at that same page where a render would open it no other way. Where the steps may
 * suffice, nothing else begins before they are known not to.
 */
export async function lookAtPage(
  { encoding, page }: Pick<RenderJob, 'encoding' | 'page'>,
  { lend, sideBySide, of, suffices }: LookOptions,
): Promise<SeekTrial> {
  const decided = Promise.withResolvers<SeekTry>();
  decided.promise.catch(() => {});
  let wanted: Wanted | undefined;
  const decide = (known: Wanted): void => {
    wanted = known;
    const { composition, range } = known;
    decided.resolve(new SeekTry({ composition, encoding, page }, range));
  };
  const unseen = 'open' in of ? of : undefined;
  if ('range' in of) decide(of);
  const needsBothWays = Promise.withResolvers<boolean>();
  if (!suffices) needsBothWays.resolve(true);
  const isSufficient = async (found: SeekTrial): Promise<boolean> => {
    const enough = (await suffices?.(found, wanted as Wanted)) ?? false;
    if (!enough) needsBothWays.resolve(true);
    return enough;
  };
  const visit = async (browser: Browser, ways: readonly SeekWay[], leads: boolean): Promise<void> => {
    // A page that is known is opened as it will be rendered.
    await using early = wanted ? undefined : await unseen?.open(browser);
    if (unseen && early && leads) decide(unseen.decide(early.probe));
    const seeking = await decided.promise;
    for (const [index, way] of ways.entries()) {
      if (index > 0 && !(await needsBothWays.promise)) return;
      const opened = index === 0 ? early?.sessionFor(seeking.view) : undefined;
      let isDone = opened !== undefined && (await seeking.visit(opened, way, isSufficient));
      await early?.[Symbol.asyncDispose]();
      while (!isDone) {
        await using session = await PageSession.open(browser, sessionOptions(seeking.view));
        isDone = await seeking.visit(session, way, isSufficient);
      }
      needsBothWays.resolve(false);
    }
  };
  // The longer way in the browser that decides.
  const ways: SeekWay[] = page.seekMode === 'auto' ? ['steps', 'at-once'] : ['at-once'];
  const lanes = sideBySide ? ways.map((way) => [way]) : [ways];
  await runLimited(lanes, lanes.length, undefined, async (lane) => {
    const leads = lane === lanes[0];
    try {
      if (leads || (await needsBothWays.promise)) await lend((browser) => visit(browser, lane, leads));
    } catch (error) {
      decided.reject(error);
      needsBothWays.resolve(false);
      throw error;
    }
  });
  const { trial } = await decided.promise;
  return page.seekMode === 'auto' ? trial : { ...trial, seekMode: page.seekMode, tried: true };
}
