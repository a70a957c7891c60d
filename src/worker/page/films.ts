import type { PageState } from './page-state.ts';

/**
 * Moves `<video>` elements and waits for their pictures. The browser hands a film's picture to its compositor on
 * a way of its own, some time after it tells of it; so films in sight are moved one at a time, while nothing else
 * changes, and the next change of the screen is the film's picture. A film out of sight, which the page may draw
 * into a canvas, is there when the browser tells of it.
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
  // A film that something covers changes nothing on the screen.
  const DRAWING_MS = 2_000;
  const COVERING_MS = 500;
  const COVERED_MS = 100;
  // On a busy machine frames take long: none of these times is over before so many were drawn in it.
  const QUIET_FRAMES = 5;
  const CLEARING_FRAMES = 10;
  const COVERED_FRAMES = 10;
  // Where the middle and the corners of a film are looked at, to see whether something covers it.
  const LOOKS = [0.02, 0.5, 0.98];
  const { get: time, set: setTime } = Object.getOwnPropertyDescriptor(
    HTMLMediaElement.prototype,
    'currentTime',
  ) as Required<PropertyDescriptor>;
  const now = performance.now.bind(performance);
  const targets = new WeakMap<HTMLVideoElement, number>();
  /** Films that were moved without waiting for their picture on the screen. */
  const stale = new Set<HTMLVideoElement>();
  /** Films out of sight whose picture the browser has not told of. */
  const awaited = new Set<HTMLVideoElement>();
  /**
   * Films that were out of sight at some time: ever after, the screen may show the picture before the
   * last one, so they are moved twice.
   */
  const lagging = new WeakSet<HTMLVideoElement>();
  /** Films that changed nothing on the screen when they were moved last. */
  const covered = new Set<HTMLVideoElement>();
  /** Those of them that nothing seems to cover. */
  const secretive = new WeakSet<HTMLVideoElement>();
  /** Where nothing was in front of the films when they were moved last. */
  const sights = new Map<HTMLVideoElement, string>();

  let phase: 'still' | 'clearing' | 'moving' = 'still';
  let entered = 0;
  let frames = 0;
  let lastChange = 0;
  let still = 0;
  let leftovers = true;
  let slowest = 0;
  let film: HTMLVideoElement | undefined;
  let presented: number | undefined;
  let unchanged = 0;
  let moves = 0;
  let drawn = false;

  const isLoaded = (element: HTMLVideoElement): boolean =>
    element.error === null &&
    element.networkState !== HTMLMediaElement.NETWORK_NO_SOURCE &&
    element.videoWidth > 0;
  const shows = (element: HTMLVideoElement): boolean =>
    isLoaded(element) &&
    element.isConnected &&
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const isInView = (element: HTMLVideoElement): boolean => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
  };
  /** Whether a film, or what holds it, is in front at each of the looks: `1` or `0`. */
  const sightOf = (element: HTMLVideoElement): string => {
    const root = element.getRootNode() as Document | ShadowRoot;
    const { left, width, top, height } = element.getBoundingClientRect();
    const isFront = (x: number, y: number): boolean =>
      root.elementFromPoint(left + x * width, top + y * height)?.contains(element) ?? false;
    return LOOKS.flatMap((x) => LOOKS.map((y) => (isFront(x, y) ? '1' : '0'))).join('');
  };
  const isCovered = (element: HTMLVideoElement): boolean => !sightOf(element).includes('1');
  const enter = (next: typeof phase): void => {
    phase = next;
    entered = now();
    frames = 0;
    still = 0;
  };
  /** Moves a film to its target. */
  const send = (element: HTMLVideoElement, onPicture: () => void): void => {
    const seconds = targets.get(element) as number;
    element.requestVideoFrameCallback(onPicture);
    const isThere = Math.abs(time.call(element) - seconds) < NUDGE_SECONDS / 2;
    setTime.call(element, isThere ? seconds + NUDGE_SECONDS : seconds);
  };

  /** The next film to be moved; what can't be seen is moved at once. */
  const nextFilm = (): HTMLVideoElement | undefined => {
    for (const { element, seconds } of state.filmsElsewhere()) {
      targets.set(element, seconds);
      if (shows(element)) return element;
      stale.add(element);
      awaited.add(element);
      send(element, () => awaited.delete(element));
    }
    return [...stale].find(shows);
  };
  const move = (element: HTMLVideoElement, most = lagging.has(element) ? 2 : 1): void => {
    enter('moving');
    moves = most;
    film = element;
    presented = undefined;
    unchanged = 0;
    drawn = false;
    stale.delete(element);
    sights.set(element, sightOf(element));
    send(element, () => {
      if (film === element) presented = now();
    });
  };
  /** Whether no picture of an earlier move can still come. */
  const isClear = (changed: boolean | undefined): boolean => {
    const quiet = leftovers ? (slowest > 0 ? Math.max(QUIET_MS, 3 * slowest) : FIRST_QUIET_MS) : 0;
    if (changed === undefined) return now() - entered >= quiet;
    if (now() - entered > quiet + CLEARING_MS && frames >= CLEARING_FRAMES) return true;
    return !changed && now() - lastChange >= quiet && (quiet === 0 || still >= QUIET_FRAMES);
  };
  const patience = (element: HTMLVideoElement): number => {
    if (!isInView(element)) return 0;
    if (isCovered(element)) return covered.has(element) ? COVERED_MS : COVERING_MS;
    return secretive.has(element) ? COVERED_MS : DRAWING_MS;
  };
  /** Whether the film that is being moved is done with. */
  const isMoved = (element: HTMLVideoElement, changed: boolean | undefined): boolean => {
    if (!shows(element)) {
      stale.add(element);
      leftovers = true;
      return true;
    }
    if (presented === undefined) return false;
    const waited = now() - presented;
    // Where nothing tells of changes, the screen is given time.
    if (drawn || (changed === undefined && waited >= QUIET_MS)) {
      if (covered.delete(element)) leftovers = true;
      secretive.delete(element);
      if (changed !== undefined) slowest = Math.max(slowest, now() - entered);
      if (moves === 1) return true;
      move(element, 1);
      return false;
    }
    if (changed === undefined) return false;
    const wait = patience(element);
    unchanged++;
    if (waited < wait || (wait > 0 && unchanged < COVERED_FRAMES)) return false;
    leftovers ||= !covered.has(element);
    covered.add(element);
    lagging.add(element);
    if (isInView(element) && !isCovered(element)) secretive.add(element);
    return true;
  };
  /** The film out of sight that is waited for. */
  const awaitedFilm = (): HTMLVideoElement | undefined => {
    for (const element of awaited) if (!isLoaded(element)) awaited.delete(element);
    return [...awaited][0];
  };

  state.standsAt = (element, seconds) =>
    targets.get(element) === seconds && Math.abs(time.call(element) - seconds) < ROUNDING_SECONDS;
  state.noteFilm = (element) => {
    if (isLoaded(element) && !shows(element)) lagging.add(element);
  };
  state.putFilm = (element, seconds) => {
    targets.set(element, seconds);
    setTime.call(element, seconds);
    stale.add(element);
    leftovers = true;
  };
  state.doubtFilms = () => {
    for (const [element, sight] of sights) {
      if (!element.isConnected) {
        sights.delete(element);
        covered.delete(element);
      } else if (shows(element) && isInView(element)) {
        const isOther = sightOf(element) !== sight;
        if (isOther) lagging.add(element);
        if (isOther || covered.has(element)) stale.add(element);
        leftovers ||= isOther;
      }
    }
  };
  state.showFilms = async (changed) => {
    still = changed ? 0 : still + 1;
    if (changed) {
      lastChange = now();
      drawn = true;
    }
    if (
      phase !== 'still' &&
      !(phase === 'clearing' ? isClear(changed) : isMoved(film as HTMLVideoElement, changed))
    ) {
      if (++frames > 2) await new Promise<void>((resolve) => state.native.setTimeout(resolve, PAUSE_MS));
      return false;
    }
    if (phase === 'clearing') leftovers = false;
    const next = nextFilm();
    if (!next) {
      enter('still');
      return awaitedFilm() === undefined;
    }
    if (phase === 'still' || leftovers) {
      if (phase === 'still') lastChange = now();
      enter('clearing');
    } else move(next);
    return false;
  };
  state.lateFilm = () => {
    const late = phase === 'moving' && presented === undefined ? film : awaitedFilm();
    return late && `the picture of video ${late.currentSrc || late.src}`;
  };
}
