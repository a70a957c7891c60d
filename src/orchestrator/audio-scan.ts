import type { ResolvedComposition } from '../types/composition.ts';
import { frameToSeconds } from '../types/fps.ts';
import type { FrameRange, PageOptions } from '../types/render-job.ts';
import type { Browser } from '../worker/browser.ts';
import type { MediaSighting, PageDescription } from '../worker/page/page-state.ts';
import { PageSession } from '../worker/page-session.ts';

const MAX_SAMPLES = 300;

/** The sounds of a page at one frame. */
interface Sample {
  readonly frame: number;
  /** By an identity that is the same in every look at the page. */
  readonly sounds: ReadonlyMap<string, MediaSighting>;
}

/** A sound over the frames in which it was there: `[from, to)`, `to` undefined when it was there to the last. */
export interface SoundRun {
  readonly identity: string;
  readonly from: number;
  readonly to: number | undefined;
  readonly sightings: readonly { readonly seconds: number; readonly sighting: MediaSighting }[];
}

/** A look at all elements at one frame; their keys are of one look at the page. */
interface Look {
  readonly frame: number;
  readonly seen: readonly (MediaSighting & { readonly element: string })[];
}

/**
 * Tells sounds apart by their source and by when it would have begun, had it been played from its beginning: an
 * element that is played again, or moved to another place, gives another sound.
 */
function identify({ frame, seen }: Look): Sample {
  const count = new Map<string, number>();
  const sounds = new Map<string, MediaSighting>();
  for (const sighting of seen) {
    if (!sighting.playing) continue;
    const { src, startTime, mediaStart, playbackRate } = sighting;
    const name = `${src} ${Math.round((startTime - mediaStart / playbackRate) * 100)}`;
    const nth = count.get(name) ?? 0;
    count.set(name, nth + 1);
    sounds.set(`${name} #${nth}`, sighting);
  }
  return { frame, sounds };
}

/** What was heard, once it is known which elements the page starts by itself, and when. */
function listen(looks: readonly Look[]): Sample[] {
  const started = new Set(
    looks.flatMap(({ seen }) => seen.filter(({ assumed }) => !assumed).map(({ element }) => element)),
  );
  return looks.map(({ frame, seen }) =>
    identify({ frame, seen: seen.filter(({ assumed, element }) => !assumed || !started.has(element)) }),
  );
}

/** The sounds of a page. An address that only the page has is given as a `data:` URL, if the page could read it. */
export interface AudioScan {
  /** Its elements that sound, over the timeline. */
  readonly runs: readonly SoundRun[];
  /** What `window.helios` says of itself at frame 0. */
  readonly helios: PageDescription['helios'];
}

interface Listened {
  readonly samples: readonly Sample[];
  readonly helios: PageDescription['helios'];
  /** What lies behind each `blob:` address of the page that was looked at, as a `data:` URL. */
  readonly data: ReadonlyMap<string, string>;
}

/** Reads, in a page, what lies behind an address that only that page has, as a `data:` URL. */
const readInPage = (src: string): string => `fetch(${JSON.stringify(src)})
  .then((response) => response.blob())
  .then((blob) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  }))`;

const sameSounds = (a: Sample, b: Sample): boolean =>
  [...a.sounds.keys()].sort().join() === [...b.sounds.keys()].sort().join();

/** Stretches of the timeline, in frames, between two samples with other sounds. */
function changes(samples: readonly Sample[]): [number, number][] {
  return samples.slice(1).flatMap((sample, index): [number, number][] => {
    const before = samples[index] as Sample;
    return sameSounds(before, sample) || sample.frame - before.frame < 2
      ? []
      : [[before.frame, sample.frame]];
  });
}

function runs({ samples, data }: Listened, composition: ResolvedComposition): SoundRun[] {
  const identities = new Set(samples.flatMap(({ sounds }) => [...sounds.keys()]));
  return [...identities].flatMap((identity) => {
    const found: SoundRun[] = [];
    let run: { from: number; sightings: { seconds: number; sighting: MediaSighting }[] } | undefined;
    for (const { frame, sounds } of samples) {
      const sighting = sounds.get(identity);
      if (sighting) {
        run ??= { from: frame, sightings: [] };
        const src = data.get(sighting.src) ?? sighting.src;
        run.sightings.push({
          seconds: frameToSeconds(frame, composition.fps),
          sighting: { ...sighting, src },
        });
      } else if (run) {
        found.push({ identity, ...run, to: frame });
        run = undefined;
      }
    }
    if (run) found.push({ identity, ...run, to: undefined });
    return found;
  });
}

function summary(listened: Listened, composition: ResolvedComposition): AudioScan {
  const { helios, data } = listened;
  const tracks = helios?.tracks.map((track) => ({ ...track, src: data.get(track.src) ?? track.src })) ?? [];
  return { runs: runs(listened, composition), helios: helios && { ...helios, tracks } };
}

/**
 * Looks through a page's timeline for elements that sound: at most 300 frames evenly over it, then frame by
 * frame wherever the set of sounds changed. An element that comes and goes between two of the 300 is missed.
 */
export async function scanAudio(
  browser: Browser,
  composition: ResolvedComposition,
  [, end]: FrameRange,
  page: PageOptions,
): Promise<AudioScan> {
  const options = { composition, page, scale: 1, transparent: false };
  const look = async (frames: readonly number[]): Promise<Listened> => {
    await using session = await PageSession.open(browser, options);
    const looks: Look[] = [];
    const data = new Map<string, string>();
    const keep = async (src: string): Promise<void> => {
      if (!src.startsWith('blob:') || data.has(src)) return;
      data.set(src, await session.evaluate<string>(readInPage(src)).catch(() => src));
    };
    const { helios } = await session.describe();
    for (const { src } of helios?.tracks ?? []) await keep(src);
    for (const frame of frames) {
      if (frame > 0) await session.skim(frame);
      const all = await session.evaluateAll<MediaSighting[] | undefined>('window.__heliosInfra__?.media()');
      const seen = all.flatMap((sightings, document) =>
        (sightings ?? []).map((sighting) => ({ ...sighting, element: `${document} ${sighting.key}` })),
      );
      for (const { src } of seen) await keep(src);
      looks.push({ frame, seen });
    }
    return { samples: listen(looks), helios, data };
  };
  const stride = Math.max(1, Math.ceil(end / MAX_SAMPLES));
  const coarse = Array.from({ length: Math.ceil(end / stride) }, (_, index) => index * stride);
  if (coarse.at(-1) !== end - 1) coarse.push(end - 1);
  const first = await look(coarse);
  const stretches = changes(first.samples);
  if (stretches.length === 0) return summary(first, composition);
  const fine = new Set(coarse);
  for (const [from, to] of stretches) for (let frame = from; frame < to; frame++) fine.add(frame);
  return summary(await look([...fine].sort((a, b) => a - b)), composition);
}
