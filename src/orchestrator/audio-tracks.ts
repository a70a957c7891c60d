import { blobKey, readBundle } from '../storage/bundle.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import {
  type AudioSource,
  type AudioTrack,
  audioTrackSchema,
  type FadeEasing,
  fadeEasings,
} from '../types/audio.ts';
import type { CompositionRef, ResolvedComposition } from '../types/composition.ts';
import { frameToSeconds } from '../types/fps.ts';
import { sha256 } from '../utils/digest.ts';
import { AudioError } from '../utils/errors.ts';
import { COMPOSITION_HOST } from '../worker/browser.ts';
import type { HeliosTrack, MediaSighting, PageDescription } from '../worker/page/page-state.ts';
import type { PageSession } from '../worker/page-session.ts';
import type { SoundRun } from './audio-scan.ts';

/** The sighting at which no fade lowers the volume; else the loudest. */
function plainest({ sightings }: SoundRun): MediaSighting {
  const unfaded = sightings.find(({ seconds, sighting }) => {
    const since = seconds - sighting.startTime;
    const left =
      sighting.duration === null ? Number.POSITIVE_INFINITY : sighting.duration - sighting.mediaStart - since;
    return since >= sighting.fadeIn && left >= sighting.fadeOut;
  });
  const loudest = [...sightings].sort((a, b) => b.sighting.volume - a.sighting.volume)[0];
  return (unfaded ?? (loudest as NonNullable<typeof loudest>)).sighting;
}

/** Where the bytes of a sound's address are; what only the page has is stored. */
async function sourceOf(
  src: string,
  ref: CompositionRef,
  store: ObjectStore,
  session: PageSession,
): Promise<AudioSource> {
  const url = new URL(src, ref.kind === 'url' ? ref.url : `http://${COMPOSITION_HOST}/${ref.entry}`);
  if (ref.kind === 'bundle' && url.host === COMPOSITION_HOST) {
    const path = decodeURIComponent(url.pathname.slice(1));
    const file = (await readBundle(store, ref.digest)).files[path];
    if (!file) throw new AudioError(`The sound ${path} is not in the composition.`, { details: { src } });
    return { kind: 'blob', sha256: file.sha256 };
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'url', url: url.href };
  const read = `fetch(${JSON.stringify(src)}).then((r) => r.blob()).then((blob) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  }))`;
  const bytes = await session.evaluate<string>(read).then(
    (base64) => Buffer.from(base64, 'base64'),
    (cause: unknown) => {
      throw new AudioError(`The sound ${src.slice(0, 80)} could not be read from the page.`, { cause });
    },
  );
  const digest = sha256(bytes);
  await store.putIfAbsent(blobKey(digest), bytes);
  return { kind: 'blob', sha256: digest };
}

/** Names that core does not know mean linear to it. */
function easingNamed(name: string | undefined): FadeEasing {
  return fadeEasings.find((known) => known === name) ?? 'linear';
}

async function trackOfRun(
  run: SoundRun,
  index: number,
  composition: ResolvedComposition,
  source: AudioSource,
): Promise<AudioTrack | undefined> {
  const sighting = plainest(run);
  if (sighting.muted || sighting.volume === 0) return undefined;
  const seenFrom = run.from === 0 ? 0 : frameToSeconds(run.from, composition.fps);
  const late = Math.max(0, seenFrom - sighting.startTime);
  return audioTrackSchema.parse({
    id: sighting.trackId ?? `${sighting.tag}-${index}`,
    source,
    startTime: sighting.startTime + late,
    ...(run.to === undefined ? {} : { endTime: frameToSeconds(run.to, composition.fps) }),
    mediaStart: sighting.mediaStart + late * sighting.playbackRate,
    loop: sighting.loop,
    playbackRate: sighting.playbackRate,
    volume: sighting.volume,
    fadeIn: sighting.fadeIn,
    fadeOut: sighting.fadeOut,
    fadeEasing: easingNamed(sighting.fadeEasing),
  } satisfies Record<keyof Omit<AudioTrack, 'endTime'>, unknown>);
}

function declaredTrack(
  track: HeliosTrack,
  helios: NonNullable<PageDescription['helios']>,
  source: AudioSource,
): AudioTrack | undefined {
  const mix = helios.mix[track.id] ?? {};
  const volume = helios.volume * (mix.volume ?? 1);
  if (helios.muted || mix.muted || volume === 0) return undefined;
  const startTime = track.startTime ?? 0;
  return audioTrackSchema.parse({
    id: track.id,
    source,
    startTime,
    ...(track.duration ? { endTime: startTime + track.duration } : {}),
    volume,
    fadeIn: track.fadeInDuration ?? 0,
    fadeOut: track.fadeOutDuration ?? 0,
    fadeEasing: easingNamed(track.fadeEasing),
  });
}

/**
 * The tracks of a page: its elements as they were seen over the timeline, and those that Helios declares
 * without an element.
 */
export async function audioTracks(
  found: readonly SoundRun[],
  description: PageDescription,
  composition: ResolvedComposition,
  store: ObjectStore,
  session: PageSession,
): Promise<AudioTrack[]> {
  const { ref } = composition;
  const tracks: (AudioTrack | undefined)[] = [];
  for (const [index, run] of found.entries()) {
    const source = await sourceOf(plainest(run).src, ref, store, session);
    tracks.push(await trackOfRun(run, index, composition, source));
  }
  const { helios } = description;
  const seen = new Set(found.map((run) => plainest(run).trackId));
  for (const track of helios?.tracks ?? []) {
    if (!helios || seen.has(track.id) || !track.src) continue;
    tracks.push(declaredTrack(track, helios, await sourceOf(track.src, ref, store, session)));
  }
  return tracks.filter((track) => track !== undefined);
}
