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
import { COMPOSITION_HOST } from '../worker/gate.ts';
import type { HeliosTrack, MediaSighting, PageDescription } from '../worker/page/page-state.ts';
import type { AudioScan, SoundRun } from './audio-scan.ts';

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
async function sourceOf(src: string, ref: CompositionRef, store: ObjectStore): Promise<AudioSource> {
  const url = new URL(src, ref.kind === 'url' ? ref.url : `http://${COMPOSITION_HOST}/${ref.entry}`);
  if (ref.kind === 'bundle' && url.host === COMPOSITION_HOST) {
    const path = decodeURIComponent(url.pathname.slice(1));
    const { files } = await readBundle(store, ref.digest);
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (!file) throw new AudioError(`The sound ${path} is not in the composition.`, { details: { src } });
    return { kind: 'blob', sha256: file.sha256 };
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'url', url: url.href };
  if (url.protocol === 'data:') {
    const bytes = Buffer.from(await (await fetch(src)).arrayBuffer());
    const digest = sha256(bytes);
    await store.putIfAbsent(blobKey(digest), bytes);
    return { kind: 'blob', sha256: digest };
  }
  const details = { src: src.slice(0, 200) };
  if (url.protocol === 'blob:')
    throw new AudioError(`The sound ${details.src} could not be read from the page.`, { details });
  throw new AudioError(
    `The sound ${details.src} is named by ${url.protocol}, which a page can't play. Put the file into the composition's folder.`,
    { details },
  );
}

/** Names that core does not know mean linear to it. */
function easingNamed(name: string | undefined): FadeEasing {
  return fadeEasings.find((known) => known === name) ?? 'linear';
}

function trackOfRun(
  run: SoundRun,
  index: number,
  composition: ResolvedComposition,
  source: AudioSource,
): AudioTrack {
  const sighting = plainest(run);
  // At the frame before, it was not there; where it says it began before that, it is heard from this frame on.
  const began = run.from === 0 || sighting.startTime > frameToSeconds(run.from - 1, composition.fps);
  const late = began ? 0 : frameToSeconds(run.from, composition.fps) - sighting.startTime;
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

function declaredTrack(track: HeliosTrack, volume: number, source: AudioSource): AudioTrack {
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

/** How loud Helios plays a track that it declares. */
function declaredVolume(track: HeliosTrack, helios: NonNullable<PageDescription['helios']>): number {
  const { volume = 1, muted = false } = helios.mix[track.id] ?? {};
  return helios.muted || muted ? 0 : helios.volume * volume;
}

/**
 * The tracks of a page: its elements as they were seen over the timeline, and those that Helios declares
 * without an element. Those that nobody hears are left out.
 * @param onMissing told of a sound that can't be had, which is then left out; without it that is thrown
 */
export async function audioTracks(
  { runs, helios }: AudioScan,
  composition: ResolvedComposition,
  store: ObjectStore,
  onMissing: (error: AudioError) => void = (error) => {
    throw error;
  },
): Promise<AudioTrack[]> {
  const tracks: AudioTrack[] = [];
  const add = async (src: string, trackOf: (source: AudioSource) => AudioTrack): Promise<void> => {
    try {
      tracks.push(trackOf(await sourceOf(src, composition.ref, store)));
    } catch (error) {
      if (!(error instanceof AudioError)) throw error;
      onMissing(error);
    }
  };
  for (const [index, run] of runs.entries()) {
    const { src, muted, volume } = plainest(run);
    if (!muted && volume > 0) await add(src, (source) => trackOfRun(run, index, composition, source));
  }
  const seen = new Set(runs.map((run) => plainest(run).trackId));
  for (const track of helios?.tracks ?? []) {
    if (!helios || seen.has(track.id) || !track.src) continue;
    const volume = declaredVolume(track, helios);
    if (volume > 0) await add(track.src, (source) => declaredTrack(track, volume, source));
  }
  return tracks;
}
