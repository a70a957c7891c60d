import type { ResolvedComposition } from '../types/composition.ts';
import { frameToSeconds } from '../types/fps.ts';
import type { FrameRange, PageOptions } from '../types/render-job.ts';
import type { Browser } from '../worker/browser.ts';
import type { MediaSighting } from '../worker/page/page-state.ts';
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

function identify(sightings: readonly MediaSighting[]): ReadonlyMap<string, MediaSighting> {
  const count = new Map<string, number>();
  const byIdentity = new Map<string, MediaSighting>();
  for (const sighting of sightings) {
    if (!sighting.playing) continue;
    const nth = count.get(sighting.src) ?? 0;
    count.set(sighting.src, nth + 1);
    byIdentity.set(`${sighting.src}#${nth}`, sighting);
  }
  return byIdentity;
}

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

function runs(samples: readonly Sample[], composition: ResolvedComposition): SoundRun[] {
  const identities = new Set(samples.flatMap(({ sounds }) => [...sounds.keys()]));
  return [...identities].flatMap((identity) => {
    const found: SoundRun[] = [];
    let run: { from: number; sightings: { seconds: number; sighting: MediaSighting }[] } | undefined;
    for (const { frame, sounds } of samples) {
      const sighting = sounds.get(identity);
      if (sighting) {
        run ??= { from: frame, sightings: [] };
        run.sightings.push({ seconds: frameToSeconds(frame, composition.fps), sighting });
      } else if (run) {
        found.push({ identity, ...run, to: frame });
        run = undefined;
      }
    }
    if (run) found.push({ identity, ...run, to: undefined });
    return found;
  });
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
): Promise<SoundRun[]> {
  const options = { composition, page, scale: 1, transparent: false };
  const look = async (frames: readonly number[]): Promise<Sample[]> => {
    await using session = await PageSession.open(browser, options);
    const samples: Sample[] = [];
    for (const frame of frames) {
      if (frame > 0) await session.skim(frame);
      const all = await session.evaluateAll<MediaSighting[] | undefined>('window.__heliosInfra__?.media()');
      samples.push({ frame, sounds: identify(all.flatMap((sightings) => sightings ?? [])) });
    }
    return samples;
  };
  const stride = Math.max(1, Math.ceil(end / MAX_SAMPLES));
  const coarse = Array.from({ length: Math.ceil(end / stride) }, (_, index) => index * stride);
  if (coarse.at(-1) !== end - 1) coarse.push(end - 1);
  const samples = await look(coarse);
  const stretches = changes(samples);
  if (stretches.length === 0) return runs(samples, composition);
  const fine = new Set(coarse);
  for (const [from, to] of stretches) for (let frame = from; frame < to; frame++) fine.add(frame);
  return runs(await look([...fine].sort((a, b) => a - b)), composition);
}
