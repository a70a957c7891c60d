import type { PageState } from './page-state.ts';

/**
 * Moves `<video>` elements, one at a time, and waits until the picture moved to is on the screen. The browser
 * hands a film's picture to its compositor on a way of its own, some time after it tells of it; so a film is
 * moved while nothing else changes, and the next change of the screen is the film's picture.
 */
export function installFilms(state: PageState): void {
  // The browser rounds the times it is given, by less than this.
  const ROUNDING_SECONDS = 1e-4;
  // The browser does not seek to the time that a film stands at.
  const NUDGE_SECONDS = 2e-5;
  const PAUSE_MS = 4;
  // Without a change for so long, no picture from before is still on its way; and for three times as long as
  // the slowest picture has taken.
  const FIRST_QUIET_MS = 150;
  const QUIET_MS = 60;
  // What goes on changing all by itself is not waited for.
  const CLEARING_MS = 300;
  // A film that something hides changes nothing on the screen; it is waited for the first time only.
  const DRAWING_MS = 2_000;
  const HIDDEN_MS = 40;
  const { get: time, set: setTime } = Object.getOwnPropertyDescriptor(
    HTMLMediaElement.prototype,
    'currentTime',
  ) as Required<PropertyDescriptor>;
  const now = performance.now.bind(performance);
  const targets = new WeakMap<HTMLVideoElement, number>();
  /** Films that were moved without waiting for their picture. */
  const stale = new Set<HTMLVideoElement>();
  /**
   * Films that were out of sight at some time: ever after, the screen may show the picture before the
   * last one, so they are moved twice.
   */
  const lagging = new WeakSet<HTMLVideoElement>();
  /** Films that changed nothing on the screen when they were moved last. */
  const hidden = new WeakSet<HTMLVideoElement>();

  let phase: 'still' | 'clearing' | 'moving' = 'still';
  let entered = 0;
  let frames = 0;
  let lastChange = 0;
  let leftovers = true;
  let slowest = 0;
  let film: HTMLVideoElement | undefined;
  let presented = false;
  let moves = 0;
  let drawn = false;

  const shows = (element: HTMLVideoElement): boolean =>
    (!element.isConnected || element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) &&
    element.error === null &&
    element.networkState !== HTMLMediaElement.NETWORK_NO_SOURCE &&
    element.videoWidth > 0;
  const isInView = (element: HTMLVideoElement): boolean => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return element.isConnected && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
  };
  const enter = (next: typeof phase): void => {
    phase = next;
    entered = now();
    frames = 0;
  };
  const put = (element: HTMLVideoElement, seconds: number): void => {
    targets.set(element, seconds);
    setTime.call(element, seconds);
  };

  /** The next film to be moved; what can't be seen is moved at once. */
  const nextFilm = (): HTMLVideoElement | undefined => {
    for (const { element, seconds } of state.filmsElsewhere()) {
      if (shows(element)) {
        targets.set(element, seconds);
        return element;
      }
      put(element, seconds);
      stale.add(element);
    }
    return [...stale].find(shows);
  };
  const move = (element: HTMLVideoElement, most = lagging.has(element) ? 2 : 1): void => {
    enter('moving');
    moves = most;
    film = element;
    presented = false;
    drawn = false;
    stale.delete(element);
    const seconds = targets.get(element) as number;
    element.requestVideoFrameCallback(() => {
      if (film === element) presented = true;
    });
    const isThere = Math.abs(time.call(element) - seconds) < NUDGE_SECONDS / 2;
    setTime.call(element, isThere ? seconds + NUDGE_SECONDS : seconds);
  };
  /** Whether no picture of an earlier move can still come. */
  const isClear = (changed: boolean): boolean => {
    const quiet = leftovers ? (slowest > 0 ? Math.max(QUIET_MS, 3 * slowest) : FIRST_QUIET_MS) : 0;
    return now() - entered > quiet + CLEARING_MS || (!changed && now() - lastChange >= quiet);
  };
  /** Whether the film that is being moved is done with. */
  const isMoved = (element: HTMLVideoElement): boolean => {
    if (!shows(element)) {
      stale.add(element);
      leftovers = true;
      return true;
    }
    if (!presented) return false;
    const waited = now() - entered;
    if (drawn) {
      if (hidden.delete(element)) leftovers = true;
      slowest = Math.max(slowest, waited);
      if (moves === 1) return true;
      move(element, 1);
      return false;
    }
    if (isInView(element) && waited < (hidden.has(element) ? HIDDEN_MS : DRAWING_MS)) return false;
    leftovers ||= !hidden.has(element);
    hidden.add(element);
    lagging.add(element);
    return true;
  };

  state.standsAt = (element, seconds) =>
    targets.get(element) === seconds && Math.abs(time.call(element) - seconds) < ROUNDING_SECONDS;
  state.noteFilm = (element) => {
    if (element.videoWidth > 0 && !shows(element)) lagging.add(element);
  };
  state.putFilm = (element, seconds) => {
    put(element, seconds);
    stale.add(element);
    leftovers = true;
  };
  state.showFilms = async (changed) => {
    if (changed) {
      lastChange = now();
      drawn = true;
    }
    if (phase === 'still') {
      if (!nextFilm()) return true;
      enter('clearing');
      lastChange = entered;
      return false;
    }
    if (phase === 'clearing' ? isClear(changed) : isMoved(film as HTMLVideoElement)) {
      if (phase === 'clearing') leftovers = false;
      const next = nextFilm();
      if (!next) {
        enter('still');
        return true;
      }
      if (leftovers) enter('clearing');
      else move(next);
      return false;
    }
    if (++frames > 2) await new Promise<void>((resolve) => state.native.setTimeout(resolve, PAUSE_MS));
    return false;
  };
  state.lateFilm = () =>
    phase === 'moving' && film && !presented
      ? `the picture of video ${film.currentSrc || film.src}`
      : undefined;
}
