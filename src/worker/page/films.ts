import type { PageState } from './page-state.ts';

/** Seeks `<video>` elements, and knows which of them the compositor has not yet got the picture of. */
export function installFilms(state: PageState): void {
  // The browser keeps one seek under way and one to come.
  const MOST_SUPERSEDED = 2;
  // The browser rounds the times it is given, by less than this.
  const ROUNDING_SECONDS = 1e-4;
  const { get: time, set: setTime } = Object.getOwnPropertyDescriptor(
    HTMLMediaElement.prototype,
    'currentTime',
  ) as Required<PropertyDescriptor>;
  // The browser does not seek to the time that a film stands at.
  const NUDGE_SECONDS = 2e-5;
  const targets = new WeakMap<HTMLVideoElement, number>();
  /** The last seek of each film whose picture is still to come. */
  const moving = new Map<HTMLVideoElement, { readonly superseded: number }>();

  /** Films that were moved while they were not shown. */
  const unseen = new Set<HTMLVideoElement>();

  const isAt = (film: HTMLVideoElement, seconds: number): boolean =>
    film.readyState > 0 && Math.abs(time.call(film) - seconds) < NUDGE_SECONDS / 2;
  const seek = (film: HTMLVideoElement, seconds: number, superseded: number): void => {
    const move = { superseded };
    moving.set(film, move);
    film.requestVideoFrameCallback(() => {
      if (moving.get(film) !== move) return;
      // It may have been the picture of a superseded seek that came; after another seek it can't be.
      if (superseded > 0) seek(film, seconds, superseded - 1);
      else moving.delete(film);
    });
    setTime.call(film, isAt(film, seconds) ? seconds + NUDGE_SECONDS : seconds);
  };
  const hasPicture = (film: HTMLVideoElement): boolean =>
    film.error === null &&
    film.networkState !== HTMLMediaElement.NETWORK_NO_SOURCE &&
    (film.readyState === HTMLMediaElement.HAVE_NOTHING || film.videoWidth > 0);
  const shows = (film: HTMLVideoElement): boolean => film.isConnected && film.checkVisibility();

  state.standsAt = (film, seconds) =>
    targets.get(film) === seconds && Math.abs(time.call(film) - seconds) < ROUNDING_SECONDS;
  state.seekFilm = (film, seconds) => {
    const before = moving.get(film);
    targets.set(film, seconds);
    if (!before && isAt(film, seconds)) {
      setTime.call(film, seconds);
      return;
    }
    seek(film, seconds, before ? Math.min(before.superseded + 1, MOST_SUPERSEDED) : 1);
  };
  state.lateFilms = () => {
    for (const film of moving.keys()) {
      if (!hasPicture(film)) moving.delete(film);
      else if (!shows(film)) {
        moving.delete(film);
        unseen.add(film);
      }
    }
    for (const film of unseen) {
      if (!shows(film)) continue;
      unseen.delete(film);
      seek(film, targets.get(film) as number, 1);
    }
    return [...moving.keys()].map((film) => `the picture of video ${film.currentSrc || film.src}`);
  };
}
