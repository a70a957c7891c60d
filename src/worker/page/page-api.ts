import type { PageApi, PageDescription, PageState, StepAnswer } from './page-state.ts';

/** Ties the installed parts together as `window.__heliosInfra__`. */
export function installPageApi(state: PageState): void {
  const { config } = state;
  let started = false;
  let seededFor = -1;
  let propsSet = false;
  let settledAt = -1;
  const waiting = new Set<string>();

  const reseedFor = (frame: number): void => {
    if (frame !== seededFor) state.reseed(frame);
    seededFor = frame;
  };
  const frameAt = (ms: number): number => Math.ceil((ms * config.fps.num) / (1000 * config.fps.den) - 1e-6);

  const seekLibraries = (frame: number, ms: number): void => {
    window.__HELIOS_VIRTUAL_TIME__ = ms;
    const { helios } = window;
    if (helios) {
      if (!propsSet && Object.keys(config.inputProps).length > 0) helios.setInputProps?.(config.inputProps);
      propsSet = true;
      const own = helios.fps?.value;
      const same = own === undefined || Math.abs(own - config.fps.num / config.fps.den) < 1e-3;
      helios.seek?.(same ? frame : (ms * own) / 1000);
    }
    window.gsap?.ticker?.lagSmoothing?.(0);
    const timeline = window.__helios_gsap_timeline__;
    timeline?.pause?.();
    timeline?.seek(ms / 1000, false);
  };

  const images = (): HTMLImageElement[] => {
    const found: HTMLImageElement[] = [];
    for (const root of state.roots) {
      for (const image of root.querySelectorAll('img')) {
        if (image.loading === 'lazy') image.loading = 'eager';
        if (!image.complete) found.push(image);
      }
    }
    return found;
  };
  const wait = async (what: string, promise: Promise<unknown>): Promise<void> => {
    waiting.add(what);
    try {
      await promise;
    } finally {
      waiting.delete(what);
    }
  };
  const settle = async (): Promise<void> => {
    void document.documentElement?.offsetHeight;
    for (let round = 0; ; round++) {
      const waits: Promise<unknown>[] = [];
      if (round === 0 && window.helios?.waitUntilStable) {
        waits.push(wait('the composition (helios.waitUntilStable)', window.helios.waitUntilStable()));
      }
      if (document.fonts.status === 'loading') waits.push(wait('fonts', document.fonts.ready));
      for (const image of images()) {
        const loaded = new Promise((resolve) => {
          image.addEventListener('load', resolve, { once: true });
          image.addEventListener('error', resolve, { once: true });
        });
        waits.push(wait(`image ${image.currentSrc || image.src}`, loaded));
      }
      for (const { what, promise } of state.pendingMedia()) waits.push(wait(what, promise));
      if (waits.length === 0) return;
      await Promise.all(waits);
    }
  };

  const restsUntil = (): number => {
    const isSeeked = window.helios !== undefined || window.__helios_gsap_timeline__ !== undefined;
    if (isSeeked || state.awaitsFrame() || state.hasFilm() || state.hasSvgAnimations()) return state.now;
    const next = Math.min(state.nextTimerDue(), state.nextMediaEnd(), state.nextAnimationChange());
    // JSON has no Infinity.
    return Math.min(next, Number.MAX_SAFE_INTEGER);
  };

  const answer = (needsFrame: boolean): StepAnswer => {
    state.checkWebGL();
    return {
      needsFrame,
      restsUntil: needsFrame ? state.now : restsUntil(),
      lateFilm: needsFrame ? state.lateFilm() : undefined,
      problems: state.problems.splice(0),
    };
  };

  /** Runs the timers and ends that fall due until then, each at its time; false when a frame has to be drawn. */
  const catchUp = async (ms: number): Promise<boolean> => {
    for (;;) {
      const timer = state.nextTimerDue();
      const animation = state.nextAnimationEnd();
      const media = state.nextMediaEnd();
      const due = Math.min(timer, animation, media);
      if (due > ms) return true;
      reseedFor(frameAt(due));
      state.now = Math.max(state.now, due);
      if (due === timer) state.runTimer();
      else if (due === media) state.endMedia();
      else if (state.finishAnimations()) return false;
      await state.breathe();
    }
  };

  /** False when a frame has to be drawn on the way. */
  const goTo = async (frame: number, ms: number, withFilms: boolean, changed?: boolean): Promise<boolean> => {
    if (!started) {
      started = true;
      state.rebaseTimers(ms);
    }
    if (!(await catchUp(ms))) return false;
    state.now = ms;
    reseedFor(frame);
    seekLibraries(frame, ms);
    state.applyAnimations();
    if (withFilms && !(await showFilms(changed))) return false;
    state.runAnimationFrame();
    await state.breathe();
    state.applyAnimations();
    state.applySvg();
    return true;
  };

  const showFilms = async (changed: boolean | undefined): Promise<boolean> => {
    state.holdMedia();
    for (const { what, promise } of state.pendingMedia()) await wait(what, promise);
    const shown = await state.showFilms(changed);
    for (const { what, promise } of state.pendingMedia()) await wait(what, promise);
    return shown;
  };

  const api: PageApi = {
    hasHelios: () => window.helios !== undefined,
    async runLoadTimer() {
      if (state.nextTimerDue() === Number.POSITIVE_INFINITY) return false;
      state.runTimer();
      await state.breathe();
      return true;
    },
    async endLoadAnimations() {
      const ended = state.endHeldAnimations();
      await state.breathe();
      return ended;
    },
    startTimeline() {
      started = true;
      state.rebaseTimers(0);
    },
    async step(frame, ms, changed) {
      if (frame !== settledAt) {
        if (!(await goTo(frame, ms, true, changed))) return answer(true);
        state.settling = true;
        try {
          await settle();
        } finally {
          state.settling = false;
        }
        state.doubtFilms();
        settledAt = frame;
      }
      return answer(!(await showFilms(changed)));
    },
    async skim(frame, ms) {
      return answer(!(await goTo(frame, ms, false)));
    },
    pending: () => [...waiting],
    describe(): PageDescription {
      const { helios } = window;
      const meta = document.querySelector('meta[name="helios-composition"]');
      const ms = state.longestAnimationMs();
      // JSON has no NaN and no Infinity.
      const told = (signal: { readonly value: number } | undefined): number | string | null => {
        const value = signal?.value ?? null;
        return value === null || Number.isFinite(value) ? value : String(value);
      };
      return {
        helios: helios
          ? {
              width: told(helios.width),
              height: told(helios.height),
              fps: told(helios.fps),
              duration: told(helios.duration),
              inputProps: JSON.parse(JSON.stringify(helios.inputProps?.value ?? {})),
              schema: JSON.parse(JSON.stringify(helios.schema ?? null)),
              captions: helios.captions?.value?.length ?? 0,
              markers: JSON.parse(JSON.stringify(helios.markers?.value ?? [])),
              tracks: JSON.parse(JSON.stringify(helios.availableAudioTracks?.value ?? [])),
              mix: JSON.parse(JSON.stringify(helios.audioTracks?.value ?? {})),
              volume: helios.volume?.value ?? 1,
              muted: helios.muted?.value ?? false,
            }
          : null,
        meta: meta?.getAttribute('content') ?? null,
        longestAnimation: ms === null ? null : ms / 1000,
        title: document.title,
      };
    },
    media: () => state.media(),
  };
  Object.defineProperty(window, '__heliosInfra__', { value: api });
  window.__HELIOS_VIRTUAL_TIME__ = 0;
  window.__HELIOS_PROPS__ = config.inputProps;
  Object.assign(window, {
    alert: () => {},
    confirm: () => false,
    prompt: () => null,
    print: () => {},
    open: () => null,
  });
}
