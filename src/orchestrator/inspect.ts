import type { Protocol } from 'devtools-protocol';
import { readBundle } from '../storage/bundle.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openStore } from '../storage/open-store.ts';
import type { AudioSource, AudioTrack } from '../types/audio.ts';
import {
  type CompositionRef,
  compositionSpecSchema,
  type ResolvedComposition,
} from '../types/composition.ts';
import { type Fps, frameToSeconds } from '../types/fps.ts';
import { type PageOptions, pageOptionsSchema, type RenderJobInput } from '../types/render-job.ts';
import { HeliosError, ValidationError } from '../utils/errors.ts';
import type { Browser } from '../worker/browser.ts';
import { browserKindOf } from '../worker/chromium-flags.ts';
import { ChromiumFrameWorker } from '../worker/chromium-frame-worker.ts';
import type { DevToolsSession } from '../worker/devtools.ts';
import { PageSession } from '../worker/page-session.ts';
import { scanAudio } from './audio-scan.ts';
import { audioTracks } from './audio-tracks.ts';
import { referenceTo } from './job-orchestrator.ts';
import { fontsInUse, type UsedFont } from './page-fonts.ts';
import { probeComposition } from './probe.ts';

/** A sound, with a source that a person knows. */
export interface InspectedTrack extends Omit<AudioTrack, 'source'> {
  /** A path in the composition's folder, or an address; `null` for what the page made itself. */
  readonly source: string | null;
}

/** A line of the page's console; `frame` is `null` while the page loads and shows frame 0. */
export interface ConsoleLine {
  readonly level: 'error' | 'warning';
  readonly text: string;
  readonly frame: number | null;
}

/** A request that brought nothing. */
export interface BrokenRequest {
  readonly url: string;
  readonly reason: string;
}

/** What a composition is, and what it shows at some of its frames. */
export interface Inspection {
  readonly kind: ResolvedComposition['kind'];
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly fps: Fps;
  readonly durationInFrames: number;
  readonly durationSeconds: number;
  /** Schema of the input props, as the page declares it. */
  readonly schema: unknown;
  readonly inputProps: unknown;
  readonly markers: unknown;
  readonly captions: number;
  readonly audioTracks: readonly InspectedTrack[];
  /** Frames that were looked at for fonts. */
  readonly framesSeen: readonly number[];
  /** Fonts of text in the document; what a canvas draws is not seen. */
  readonly fonts: readonly UsedFont[];
  readonly failedRequests: readonly BrokenRequest[];
  readonly console: readonly ConsoleLine[];
  /** What a render would warn of, or fail with when assets must load. */
  readonly warnings: readonly string[];
  /** What a render would fail with. */
  readonly errors: readonly { readonly name: string; readonly message: string }[];
}

export interface InspectOptions {
  /** @default the one of `HELIOS_STORE`, else a folder in the user's cache */
  readonly store?: ObjectStore | undefined;
  readonly page?: RenderJobInput['page'];
  readonly signal?: AbortSignal | undefined;
}

const CONSOLE_LINES = 100;
const MAX_FRAMES_SEEN = 300;

interface Observed {
  readonly session: DevToolsSession;
  readonly failedRequests: BrokenRequest[];
  readonly console: ConsoleLine[];
}

/** A second session on the page: unlike the first it is told what the page has logged since it was opened. */
async function observe(browser: Browser, page: PageSession): Promise<Observed> {
  const { targetInfo } = await page.page.send('Target.getTargetInfo');
  const { sessionId } = await browser.root.send('Target.attachToTarget', {
    targetId: targetInfo.targetId,
    flatten: true,
  });
  const session = browser.root.connection.session(sessionId);
  const observed: Observed = { session, failedRequests: [], console: [] };
  let live = false;
  const log = (level: ConsoleLine['level'], text: string): void => {
    if (observed.console.length < CONSOLE_LINES)
      observed.console.push({ level, text, frame: live ? page.frame : null });
  };
  session.on('Runtime.consoleAPICalled', ({ type, args }) => {
    if (type !== 'error' && type !== 'assert' && type !== 'warning') return;
    const text = args.map((arg) => arg.value ?? arg.description ?? arg.type).join(' ');
    log(type === 'warning' ? 'warning' : 'error', text);
  });
  session.on('Log.entryAdded', ({ entry }: Protocol.Log.EntryAddedEvent) => {
    const { source, level, text, url } = entry;
    if (source === 'network' && url) {
      if (!url.endsWith('/favicon.ico')) observed.failedRequests.push({ url, reason: text });
    } else if (level === 'error' || level === 'warning') log(level, text);
  });
  await Promise.all([
    session.send('Runtime.enable'),
    session.send('Log.enable'),
    session.send('DOM.enable'),
    session.send('CSS.enable'),
  ]);
  live = true;
  return observed;
}

interface Sights {
  readonly fonts: readonly UsedFont[];
  readonly framesSeen: readonly number[];
  readonly failedRequests: readonly BrokenRequest[];
  readonly console: readonly ConsoleLine[];
  readonly warnings: readonly string[];
}

/** Runs through the composition, at most 300 frames of it; looks closely at the first, the middle and the last. */
async function lookAround(
  browser: Browser,
  composition: ResolvedComposition,
  page: PageOptions,
  onError: (error: unknown) => void,
): Promise<Sights> {
  await using session = await PageSession.open(browser, { composition, page, scale: 1, transparent: false });
  const observed = await observe(browser, session);
  const last = composition.durationInFrames - 1;
  const close = new Set([0, Math.floor(last / 2), last]);
  const stride = Math.ceil((last + 1) / MAX_FRAMES_SEEN);
  const fonts = new Map<string, UsedFont>();
  const framesSeen: number[] = [];
  try {
    for (let frame = 0; frame <= last; frame++) {
      if (!close.has(frame)) {
        if (frame % stride === 0) await session.skim(frame);
        continue;
      }
      await session.step(frame);
      for (const font of await browser.guard(fontsInUse(observed.session)))
        fonts.set(JSON.stringify(font), font);
      framesSeen.push(frame);
    }
  } catch (error) {
    onError(error);
  }
  const { failedRequests, console } = observed;
  return { fonts: [...fonts.values()], framesSeen, failedRequests, console, warnings: session.warnings };
}

async function listAudio(
  browser: Browser,
  composition: ResolvedComposition,
  page: PageOptions,
  store: ObjectStore,
  onMissing: (error: unknown) => void,
): Promise<InspectedTrack[]> {
  const scan = await scanAudio(browser, composition, [0, composition.durationInFrames], page);
  const tracks = await audioTracks(scan, composition, store, onMissing);
  const nameOf = await sourceNames(composition.ref, store);
  return tracks.map((track) => ({ ...track, source: nameOf(track.source) }));
}

async function sourceNames(
  ref: CompositionRef,
  store: ObjectStore,
): Promise<(source: AudioSource) => string | null> {
  const files = ref.kind === 'bundle' ? (await readBundle(store, ref.digest)).files : {};
  const names = new Map(Object.entries(files).map(([name, { sha256 }]) => [sha256, name]));
  return (source) => (source.kind === 'url' ? source.url : (names.get(source.sha256) ?? null));
}

/**
 * Loads a composition and tells what it is, without rendering it. Failed assets do not end it.
 * @throws ValidationError, CompositionNotFoundError, CompositionLoadError, CompositionMetadataError,
 *   FrameTimeoutError
 */
export async function inspectComposition(
  input: RenderJobInput['composition'],
  options: InspectOptions = {},
): Promise<Inspection> {
  const { store = openStore(), signal } = options;
  const spec = compositionSpecSchema.safeParse(input);
  if (!spec.success) throw ValidationError.fromZod('composition', spec.error);
  const page = pageOptionsSchema.safeParse({ ...options.page, onAssetError: 'warn' });
  if (!page.success) throw ValidationError.fromZod('page options', page.error);

  const errors: { name: string; message: string }[] = [];
  const collect = (error: unknown): void => {
    if (!(error instanceof HeliosError) || signal?.aborted) throw error;
    const { name, message } = error;
    if (!errors.some((known) => known.message === message)) errors.push({ name, message });
  };
  await using worker = new ChromiumFrameWorker(store, { ownMachine: true });
  const ref = await referenceTo(spec.data.source, store);
  return await worker.withBrowser(
    { ref, allowHosts: page.data.allowHosts },
    browserKindOf(page.data),
    signal,
    async (browser) => {
      const probe = await probeComposition(browser, spec.data, ref, page.data);
      const { composition, description } = probe;
      const sights = await lookAround(browser, composition, page.data, collect);
      let tracks: InspectedTrack[] = [];
      try {
        tracks = await listAudio(browser, composition, page.data, store, collect);
      } catch (error) {
        collect(error);
      }
      const { width, height, fps, durationInFrames, kind, inputProps } = composition;
      const { helios, title } = description;
      return {
        kind,
        title,
        width,
        height,
        fps,
        durationInFrames,
        durationSeconds: frameToSeconds(durationInFrames, fps),
        schema: helios?.schema ?? null,
        inputProps: helios?.inputProps ?? inputProps,
        markers: helios?.markers ?? [],
        captions: helios?.captions ?? 0,
        audioTracks: tracks,
        ...sights,
        warnings: [...new Set([...probe.warnings, ...sights.warnings])],
        errors,
      };
    },
  );
}
