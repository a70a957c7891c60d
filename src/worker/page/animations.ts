import type { PageState } from './page-state.ts';

/**
 * Puts CSS animations, CSS transitions and Web Animations on the frame's time. Every animation is held paused;
 * its time is that of the page's clock since it began, so that any frame can be reached at once.
 */
export function installAnimations(state: PageState): void {
  interface Track {
    /** Virtual time at which `base` was its current time. */
    anchor: number;
    base: number;
    rate: number;
    running: boolean;
    /** True while CSS `animation-play-state` decides whether it runs. */
    css: boolean;
  }
  const proto = Animation.prototype;
  const currentTime = Object.getOwnPropertyDescriptor(proto, 'currentTime') as Required<PropertyDescriptor>;
  const playState = Object.getOwnPropertyDescriptor(proto, 'playState') as Required<PropertyDescriptor>;
  const native = {
    play: proto.play,
    pause: proto.pause,
    finish: proto.finish,
    reverse: proto.reverse,
    cancel: proto.cancel,
    updatePlaybackRate: proto.updatePlaybackRate,
  };
  const tracks = new WeakMap<Animation, Track>();
  /** Animations that began while the page loaded. */
  const held = new WeakSet<Animation>();
  /** Of those that were ended for the page to finish loading. */
  let longestEndedMs = 0;
  let loading = true;
  let listensForEnds = false;

  const read = (animation: Animation): number => Number(currentTime.get.call(animation) ?? 0);
  const hold = (animation: Animation, ms: number): void => {
    native.pause.call(animation);
    currentTime.set.call(animation, ms);
  };
  const anchor = (animation: Animation, base: number, running: boolean): Track => {
    const track = { anchor: state.now, base, rate: animation.playbackRate, running, css: false };
    tracks.set(animation, track);
    return track;
  };
  const timeOf = (track: Track): number =>
    track.base + (track.running ? (state.now - track.anchor) * track.rate : 0);
  const isTimed = (animation: Animation): boolean =>
    animation.timeline === null || animation.timeline === document.timeline;

  Object.defineProperty(proto, 'currentTime', {
    ...currentTime,
    set(this: Animation, value: number | null) {
      currentTime.set.call(this, value);
      const track = tracks.get(this);
      if (value === null) return;
      if (track) Object.assign(track, { anchor: state.now, base: Number(value) });
      else if (held.has(this)) anchor(this, Number(value), true);
    },
  });
  const startTime = Object.getOwnPropertyDescriptor(proto, 'startTime') as Required<PropertyDescriptor>;
  Object.defineProperty(proto, 'startTime', {
    ...startTime,
    set(this: Animation, value: number | null) {
      startTime.set.call(this, value);
      held.delete(this);
      if (value === null || !isTimed(this)) return;
      hold(this, anchor(this, (state.now - Number(value)) * this.playbackRate, true).base);
    },
  });
  const playbackRate = Object.getOwnPropertyDescriptor(proto, 'playbackRate') as Required<PropertyDescriptor>;
  const changeRate = (animation: Animation, rate: number): void => {
    const track = tracks.get(animation);
    if (track) Object.assign(track, { base: timeOf(track), anchor: state.now, rate });
  };
  Object.defineProperty(proto, 'playbackRate', {
    ...playbackRate,
    set(this: Animation, rate: number) {
      changeRate(this, Number(rate));
      playbackRate.set.call(this, rate);
    },
  });
  proto.updatePlaybackRate = function update(rate) {
    changeRate(this, rate);
    native.updatePlaybackRate.call(this, rate);
  };
  Object.defineProperty(proto, 'playState', {
    ...playState,
    get(this: Animation) {
      const own: AnimationPlayState = playState.get.call(this);
      return own === 'paused' && (tracks.get(this)?.running ?? held.has(this)) ? 'running' : own;
    },
  });
  proto.play = function play() {
    native.play.call(this);
    if (!isTimed(this)) return;
    const at = read(this);
    anchor(this, at, true);
    hold(this, at);
  };
  proto.reverse = function reverse() {
    native.reverse.call(this);
    if (!isTimed(this)) return;
    const at = read(this);
    anchor(this, at, true);
    hold(this, at);
  };
  proto.pause = function pause() {
    native.pause.call(this);
    const track = tracks.get(this);
    if (track) Object.assign(track, { base: timeOf(track), anchor: state.now, running: false, css: false });
    else if (isTimed(this)) anchor(this, read(this), false);
  };
  proto.finish = function finish() {
    native.finish.call(this);
    tracks.delete(this);
    held.delete(this);
  };
  proto.cancel = function cancel() {
    native.cancel.call(this);
    tracks.delete(this);
    held.delete(this);
  };

  const endEvents =
    /^(?:animationend|transitionend|animationiteration|animationstart|transitionrun|transitionstart|finish)$/;
  const addEventListener = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function listen(
    this: EventTarget,
    type: string,
    ...rest: unknown[]
  ) {
    if (endEvents.test(type)) listensForEnds = true;
    return Reflect.apply(addEventListener, this, [type, ...rest]);
  };
  for (const [target, name] of [
    [proto, 'onfinish'],
    [HTMLElement.prototype, 'onanimationend'],
    [HTMLElement.prototype, 'ontransitionend'],
    [HTMLElement.prototype, 'onanimationstart'],
    [HTMLElement.prototype, 'onanimationiteration'],
  ] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(target, name);
    if (!descriptor?.set) continue;
    const { set } = descriptor;
    Object.defineProperty(target, name, {
      ...descriptor,
      set(value) {
        listensForEnds = true;
        set.call(this, value);
      },
    });
  }

  const all = (): Animation[] => {
    const found: Animation[] = [];
    for (const root of state.roots) {
      if (root instanceof ShadowRoot && !root.isConnected) continue;
      for (const animation of root.getAnimations()) if (isTimed(animation)) found.push(animation);
    }
    return found;
  };
  // Once an animation is paused by a script, CSS no longer pauses and resumes it: that is done here.
  const followPlayState = (animation: CSSAnimation, track: Track): void => {
    const { target, pseudoElement } = animation.effect as KeyframeEffect;
    if (!target) return;
    const style = getComputedStyle(target, pseudoElement);
    const states = style.animationPlayState.split(', ');
    const index = style.animationName.split(', ').indexOf(animation.animationName);
    const runs = states[Math.max(0, index) % states.length] !== 'paused';
    if (runs === track.running) return;
    Object.assign(track, { base: timeOf(track), anchor: state.now, running: runs });
    hold(animation, track.base);
  };
  const runsByItself = (animation: Animation): boolean => {
    const own: AnimationPlayState = playState.get.call(animation);
    return own === 'running' || (animation.pending && own !== 'paused');
  };
  /** The browser's own clock would run through an animation, and end it, before the timeline starts. */
  const holdWhileLoading = (): void => {
    if (!loading) return;
    for (const animation of all()) {
      if (tracks.has(animation) || !runsByItself(animation)) continue;
      native.pause.call(animation);
      held.add(animation);
    }
    state.native.requestAnimationFrame(holdWhileLoading);
  };
  holdWhileLoading();
  state.endHeldAnimations = () => {
    const ending = all()
      .filter((animation) => held.has(animation) && !tracks.has(animation) && animation.playbackRate !== 0)
      .map((animation) => ({ animation, ms: Number(animation.effect?.getComputedTiming().endTime) }))
      .filter(({ ms }) => Number.isFinite(ms))
      .sort((a, b) => a.ms - b.ms);
    for (const { animation, ms } of ending) {
      native.finish.call(animation);
      held.delete(animation);
      longestEndedMs = Math.max(longestEndedMs, ms);
    }
    return ending.length > 0;
  };
  const adopt = (animation: Animation): Track | undefined => {
    const known = tracks.get(animation);
    if (known) {
      if (known.css) followPlayState(animation as CSSAnimation, known);
      return known;
    }
    if (!runsByItself(animation) && !(held.has(animation) && playState.get.call(animation) === 'paused'))
      return undefined;
    const isCss = animation instanceof CSSAnimation || animation instanceof CSSTransition;
    const track = anchor(animation, isCss ? 0 : animation.playbackRate < 0 ? read(animation) : 0, true);
    track.css = animation instanceof CSSAnimation;
    hold(animation, track.base);
    return track;
  };
  const endOf = (animation: Animation, track: Track): number => {
    const end = track.rate > 0 ? Number(animation.effect?.getComputedTiming().endTime ?? 0) : 0;
    return track.rate === 0 ? Number.POSITIVE_INFINITY : track.anchor + (end - track.base) / track.rate;
  };

  state.applyAnimations = () => {
    loading = false;
    for (const animation of all()) {
      const track = adopt(animation);
      if (!track?.running) continue;
      if (track.rate !== animation.playbackRate) {
        Object.assign(track, { base: timeOf(track), anchor: state.now, rate: animation.playbackRate });
      }
      const time = timeOf(track);
      if (playState.get.call(animation) !== 'paused' || read(animation) !== time) hold(animation, time);
    }
  };
  state.nextAnimationEnd = () => {
    let next = Number.POSITIVE_INFINITY;
    for (const animation of all()) {
      const track = adopt(animation);
      if (track?.running) next = Math.min(next, endOf(animation, track));
    }
    return next;
  };
  state.nextAnimationChange = () => {
    let next = Number.POSITIVE_INFINITY;
    for (const animation of all()) {
      const track = adopt(animation);
      if (!track?.running) continue;
      const { delay = 0 } = animation.effect?.getComputedTiming() ?? {};
      const begins = track.rate > 0 ? track.anchor + (delay - track.base) / track.rate : state.now;
      next = Math.min(next, Math.max(state.now, begins));
    }
    return next;
  };
  state.finishAnimations = () => {
    for (const animation of all()) {
      const track = tracks.get(animation);
      if (track?.running && endOf(animation, track) <= state.now) {
        native.finish.call(animation);
        Object.assign(track, { running: false, css: false });
      }
    }
    return listensForEnds;
  };
  state.longestAnimationMs = () => {
    const ends = all().map((animation) => Number(animation.effect?.getComputedTiming().endTime ?? 0));
    const finite = [...ends, longestEndedMs].filter((end) => Number.isFinite(end) && end > 0);
    return finite.length > 0 ? Math.max(...finite) : null;
  };
}
