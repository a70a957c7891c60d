import { performance } from 'node:perf_hooks';
import { captureScale } from '../types/codecs.ts';
import type { CompositionRef, CompositionSpec, ResolvedComposition } from '../types/composition.ts';
import type { Encoding } from '../types/encoding.ts';
import type { FrameRange, PageOptions } from '../types/render-job.ts';
import { runLimited } from '../utils/run-limited.ts';
import type { Browser } from '../worker/browser.ts';
import { wantsFramebuffer } from '../worker/camera.ts';
import type { Capture } from '../worker/capture.ts';
import { openCapture } from '../worker/open-capture.ts';
import type { PageDescription } from '../worker/page/page-state.ts';
import { PageSession } from '../worker/page-session.ts';
import type { FrameCost } from './cut-by-work.ts';
import { resolveComposition } from './resolve-composition.ts';

/** How long a page without metadata may take to set `window.helios`, in milliseconds. */
const HELIOS_PATIENCE_MS = 1_500;
const GUESS = { width: 1920, height: 1080, fps: 30, durationInFrames: 1 } as const;
const WINDOW_FRAMES = 5;

/** What a look at the page found. */
export interface Probe {
  readonly composition: ResolvedComposition;
  readonly description: PageDescription;
  readonly warnings: readonly string[];
}

/** Loads the composition and decides what it is. */
export async function probeComposition(
  browser: Browser,
  spec: CompositionSpec,
  ref: CompositionRef,
  page: PageOptions,
): Promise<Probe> {
  const { width = GUESS.width, height = GUESS.height, fps = GUESS.fps, inputProps } = spec;
  const guess: ResolvedComposition = { ...GUESS, ref, kind: 'page', width, height, fps, inputProps };
  const options = { page, scale: 1, transparent: false };
  await using first = await PageSession.open(browser, {
    ...options,
    composition: guess,
    lookForHelios: HELIOS_PATIENCE_MS,
  });
  const description = await first.describe();
  return { composition: resolveComposition(spec, ref, description), description, warnings: first.warnings };
}

export interface SeekTrial {
  readonly seekMode: 'seek' | 'replay';
  /** Milliseconds of one worker for one frame, without the encoder. */
  readonly msPerFrame: number;
  /** Milliseconds of one worker for going on by a frame, without its picture. */
  readonly msPerStep: number;
  /** Of the frames that were looked at, the quickest of the looks at each. */
  readonly costs: readonly FrameCost[];
}

/** Lends a browser that reads the composition. */
export type Lend = <T>(work: (browser: Browser) => Promise<T>) => Promise<T>;

/**
 * Measures what a frame costs, and finds out whether frames can be seeked to: at three places of the range, a
 * frame reached at once and the same frame reached step by step must look alike. For a range of few frames the
 * steps begin before it.
 * @param sideBySide whether the two ways are gone at the same time, in two browsers
 */
export async function trySeeking(
  lend: Lend,
  composition: ResolvedComposition,
  [start, end]: FrameRange,
  encoding: Encoding,
  page: PageOptions,
  sideBySide: boolean,
): Promise<SeekTrial> {
  const length = Math.min(WINDOW_FRAMES, end - 1);
  const last = end - 1 - length;
  const first = Math.min(start, last);
  const windows = [...new Set([first, Math.floor((first + last) / 2), last])];
  const scene = { composition, encoding, page: { ...page, seekMode: 'seek' as const } };
  const options = {
    composition,
    page,
    scale: captureScale(encoding),
    transparent: encoding.transparent,
    framebuffer: wantsFramebuffer(scene),
  };
  const costs = new Map<number, number>();
  let spent = 0;
  let taken = 0;
  let stepping = 0;
  let steps = 0;
  const step = async (session: PageSession, frame: number): Promise<void> => {
    if (frame === session.frame) return;
    const since = performance.now();
    await session.step(frame);
    stepping += performance.now() - since;
    steps++;
  };
  /** @returns `undefined` when it is the picture taken before */
  const look = async (session: PageSession, capture: Capture, frame: number): Promise<string | undefined> => {
    const since = performance.now();
    await session.step(frame);
    await capture.expose();
    const digest = capture.develop()?.digest;
    const ms = performance.now() - since;
    costs.set(frame, Math.min(costs.get(frame) ?? Number.POSITIVE_INFINITY, ms));
    spent += ms;
    taken++;
    return digest;
  };
  const visit = async (browser: Browser, stepwise: boolean): Promise<string> => {
    await using session = await PageSession.open(browser, options);
    const capture = openCapture(session, scene, page.timeouts.frame);
    const seen: string[] = [];
    let last = '';
    for (const from of windows) {
      // Stops on the way that the other visit does not make: a page may lose its way between them.
      const before = Math.max(0, session.frame);
      const stops = stepwise ? [1, 2].map((third) => before + Math.floor(((from - before) * third) / 3)) : [];
      for (const stop of stops) await step(session, stop);
      const drawn = from + Math.max(0, length - 1);
      for (let frame = stepwise ? from : drawn; frame <= drawn; frame++) await step(session, frame);
      // Both visits draw the same two frames: what Chromium drew before decides the last bit of what it draws next.
      if (from === first) await capture.preRoll();
      await capture.expose();
      last = capture.develop()?.digest ?? last;
      last = (await look(session, capture, from + length)) ?? last;
      seen.push(last);
    }
    return seen.join();
  };
  const ways = page.seekMode === 'auto' ? [false, true] : [false];
  const visits = await runLimited(ways, sideBySide ? ways.length : 1, undefined, (stepwise) =>
    lend((browser) => visit(browser, stepwise)),
  );
  const seekMode = new Set(visits).size > 1 ? 'replay' : 'seek';
  return {
    seekMode: page.seekMode === 'replay' ? 'replay' : seekMode,
    msPerFrame: spent / taken,
    msPerStep: stepping / Math.max(1, steps),
    costs: [...costs].map(([frame, ms]) => ({ frame, ms })),
  };
}
