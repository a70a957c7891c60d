import type { MediaSighting, PageState } from './page-state.ts';

/** Puts `<video>` and `<audio>` on the frame's time: nothing plays, every element is seeked. */
export function installMedia(state: PageState): void {
  interface Track {
    readonly key: string;
    /** Virtual ms at which the element started on the timeline. */
    started: number;
    /** Media seconds at that moment. */
    from: number;
    playing: boolean;
    /** True while the page has not said when the element starts. */
    assumed: boolean;
    /** True once the page itself moved the element without playing it. */
    scrubbed: boolean;
    /** True once the page was told that it ended. */
    ended: boolean;
  }
  const proto = HTMLMediaElement.prototype;
  const currentTime = Object.getOwnPropertyDescriptor(proto, 'currentTime') as Required<PropertyDescriptor>;
  const nativePause = proto.pause;
  const tracks = new Map<HTMLMediaElement, Track>();
  const detached = new Set<HTMLMediaElement>();
  // A seek to just the edge of a frame of the film may show the frame before; a film's frame is far longer than this.
  const EDGE_SECONDS = 0.0005;
  let started = false;

  const number = (element: Element, name: string): number | undefined => {
    const value = Number.parseFloat(element.getAttribute(name) ?? '');
    return Number.isFinite(value) ? value : undefined;
  };
  const trackOf = (element: HTMLMediaElement): Track => {
    const known = tracks.get(element);
    if (known) return known;
    const track = {
      key: `media-${tracks.size}`,
      started: started ? state.now : 0,
      from: 0,
      playing: true,
      assumed: !element.autoplay,
      scrubbed: false,
      ended: false,
    };
    tracks.set(element, track);
    return track;
  };
  const startOf = (element: HTMLMediaElement, track: Track): number =>
    number(element, 'data-helios-offset') ?? track.started / 1000;
  const mediaStartOf = (element: HTMLMediaElement, track: Track): number =>
    number(element, 'data-helios-seek') ?? track.from;
  const mediaTime = (element: HTMLMediaElement, track: Track): number => {
    const elapsed = Math.max(0, state.now / 1000 - startOf(element, track));
    const time = mediaStartOf(element, track) + (track.playing ? elapsed * element.playbackRate : 0);
    const { duration } = element;
    if (!Number.isFinite(duration) || duration <= 0) return time;
    return element.loop ? time % duration : Math.min(time, Math.max(0, duration - EDGE_SECONDS * 2));
  };
  const elements = (): HTMLMediaElement[] => {
    const found = new Set<HTMLMediaElement>();
    for (const root of state.roots) {
      if (root instanceof ShadowRoot && !root.isConnected) continue;
      for (const element of root.querySelectorAll<HTMLMediaElement>('video, audio')) found.add(element);
    }
    for (const element of detached) found.add(element);
    return [...found];
  };

  Object.defineProperty(proto, 'currentTime', {
    ...currentTime,
    // Nobody hears the elements here, so a sound's place is only kept in mind.
    get(this: HTMLMediaElement): number {
      if (this instanceof HTMLVideoElement) return currentTime.get.call(this);
      return mediaTime(this, trackOf(this));
    },
    set(this: HTMLMediaElement, seconds: number) {
      const track = trackOf(this);
      if (window.helios === undefined) {
        Object.assign(track, { started: state.now, from: Number(seconds) || 0 });
        track.scrubbed = true;
      }
      if (!(this instanceof HTMLVideoElement)) return;
      state.putFilm(this, seconds);
    },
  });
  proto.play = function play() {
    const track = trackOf(this);
    if (!this.isConnected) detached.add(this);
    const begins = track.assumed && window.helios === undefined;
    if (begins || !track.playing || track.scrubbed || detached.has(this)) {
      Object.assign(track, {
        started: started ? state.now : 0,
        playing: true,
        scrubbed: false,
        ended: false,
      });
      track.assumed = false;
    }
    return Promise.resolve();
  };
  proto.pause = function pause() {
    const track = trackOf(this);
    nativePause.call(this);
    if (window.helios !== undefined || !track.playing) return;
    Object.assign(track, { from: mediaTime(this, track), started: state.now, playing: false });
  };
  Object.defineProperty(proto, 'paused', {
    configurable: true,
    get(this: HTMLMediaElement) {
      return !(tracks.get(this)?.playing ?? this.autoplay);
    },
  });
  const noteMade = (made: Node): void => {
    if (made instanceof HTMLVideoElement) detached.add(made);
    else if (made instanceof Element || made instanceof DocumentFragment) {
      for (const film of made.querySelectorAll('video')) detached.add(film);
    }
  };
  const noting = <This, Rest extends unknown[], Made extends Node>(
    make: (this: This, ...rest: Rest) => Made,
  ) =>
    function made(this: This, ...rest: Rest): Made {
      const node = make.apply(this, rest);
      noteMade(node);
      return node;
    };
  const { createElement, importNode } = Document.prototype;
  Document.prototype.createElement = noting(createElement) as typeof createElement;
  Document.prototype.importNode = noting(importNode) as typeof importNode;
  Node.prototype.cloneNode = noting(Node.prototype.cloneNode);

  const failure = (element: HTMLMediaElement): string =>
    `${element.tagName.toLowerCase()} ${element.currentSrc || element.src}: ${element.error?.message || 'can not be played'}`;

  /** While it loads, a Helios page may pause and move its elements; there, only their attributes count. */
  const forgetLoading = (): void => {
    for (const [element, track] of tracks) {
      if (element.isConnected)
        Object.assign(track, { started: 0, from: 0, playing: true, scrubbed: false, ended: false });
    }
  };

  const endOf = (element: HTMLMediaElement, track: Track): number => {
    const { duration, playbackRate, loop } = element;
    if (track.ended || !track.playing || track.scrubbed || loop || !(duration > 0) || playbackRate <= 0) {
      return Number.POSITIVE_INFINITY;
    }
    return 1000 * (startOf(element, track) + (duration - mediaStartOf(element, track)) / playbackRate);
  };
  state.nextMediaEnd = () =>
    Math.min(Number.POSITIVE_INFINITY, ...elements().map((element) => endOf(element, trackOf(element))));
  state.endMedia = () => {
    for (const element of elements()) {
      const track = trackOf(element);
      if (endOf(element, track) > state.now) continue;
      track.ended = true;
      element.dispatchEvent(new Event('ended'));
    }
  };

  /** Where a film should stand, when it stands elsewhere. */
  const wayOf = (element: HTMLMediaElement): number | undefined => {
    if (!(element instanceof HTMLVideoElement) || !(element.currentSrc || element.src)) return undefined;
    const track = trackOf(element);
    const target = mediaTime(element, track) + (track.scrubbed && !track.playing ? 0 : EDGE_SECONDS);
    return state.standsAt(element, target) ? undefined : target;
  };
  state.filmsElsewhere = () =>
    elements().flatMap((element) => {
      const seconds = wayOf(element);
      return seconds === undefined ? [] : [{ element: element as HTMLVideoElement, seconds }];
    });
  state.holdMedia = () => {
    if (!started && window.helios !== undefined) forgetLoading();
    started = true;
    for (const element of elements()) {
      trackOf(element);
      element.preload = 'auto';
      nativePause.call(element);
      if (element instanceof HTMLVideoElement) state.noteFilm(element);
    }
  };
  state.hasFilm = () => elements().some((element) => element instanceof HTMLVideoElement);
  state.pendingMedia = () => {
    const pending: { what: string; promise: Promise<unknown> }[] = [];
    for (const element of elements()) {
      if (!element.src && !element.currentSrc && !element.querySelector('source')) continue;
      const ready = () =>
        element instanceof HTMLVideoElement
          ? !element.seeking && element.readyState >= 2
          : element.readyState >= 1;
      const failed = () =>
        element.error !== null || element.networkState === HTMLMediaElement.NETWORK_NO_SOURCE;
      if (ready() || failed()) {
        if (failed()) state.problems.push({ kind: 'media', message: failure(element) });
        continue;
      }
      const events = ['seeked', 'canplay', 'loadeddata', 'loadedmetadata', 'error'];
      const promise = new Promise<void>((resolve) => {
        const check = () => {
          if (!ready() && !failed()) return;
          for (const event of events) element.removeEventListener(event, check);
          element.removeEventListener('error', check, true);
          resolve();
        };
        for (const event of events) element.addEventListener(event, check);
        element.addEventListener('error', check, true);
      });
      pending.push({
        what: `${element.tagName.toLowerCase()} ${element.currentSrc || element.src}`,
        promise,
      });
    }
    return pending;
  };
  state.media = (): MediaSighting[] =>
    elements().flatMap((element) => {
      const track = trackOf(element);
      const src = element.currentSrc || element.src;
      if (!src || element.hasAttribute('data-helios-no-audio')) return [];
      return {
        key: track.key,
        tag: element instanceof HTMLVideoElement ? 'video' : 'audio',
        trackId: element.getAttribute('data-helios-track-id'),
        src,
        startTime: startOf(element, track),
        mediaStart: mediaStartOf(element, track),
        playing: track.playing,
        assumed: track.assumed && !element.hasAttribute('data-helios-offset'),
        loop: element.loop,
        volume: element.volume,
        muted: element.muted || element.defaultMuted,
        playbackRate: element.playbackRate,
        fadeIn: number(element, 'data-helios-fade-in') ?? 0,
        fadeOut: number(element, 'data-helios-fade-out') ?? 0,
        fadeEasing: element.getAttribute('data-helios-fade-easing') ?? 'linear',
        duration: Number.isFinite(element.duration) ? element.duration : null,
      };
    });
}
