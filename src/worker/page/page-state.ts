/** What the injected scripts are told before the page's own scripts run. */
export interface PageConfig {
  /** What `Date.now()` gives at time 0, in ms since 1970. */
  readonly epochMs: number;
  /** Frame rate as a fraction. */
  readonly fps: { readonly num: number; readonly den: number };
  readonly inputProps: Record<string, unknown>;
}

/** What `step` answers. */
export interface StepAnswer {
  /** True when a frame must be drawn (so that the page gets its events) and `step` called again. */
  readonly needsFrame: boolean;
  /** The film that the frame is needed for, as a message names it. */
  readonly lateFilm: string | undefined;
  /**
   * Virtual milliseconds. Before then the page's clock has nothing to do: nothing that it drives changes. Not after
   * the frame's own time when it may at any time.
   */
  readonly restsUntil: number;
  /** What went wrong since the last answer. */
  readonly problems: readonly Problem[];
}

/** A sound or film in the page, as it is at one frame. Seconds, on the composition's timeline. */
export interface MediaSighting {
  /** Stays the same for one element over the page's life. */
  readonly key: string;
  readonly tag: 'audio' | 'video';
  readonly trackId: string | null;
  readonly src: string;
  /** When the element started. */
  readonly startTime: number;
  readonly mediaStart: number;
  readonly playing: boolean;
  /** True while it plays only because nothing says when it starts; a later `play()` then does. */
  readonly assumed: boolean;
  readonly loop: boolean;
  readonly volume: number;
  readonly muted: boolean;
  readonly playbackRate: number;
  readonly fadeIn: number;
  readonly fadeOut: number;
  readonly fadeEasing: string;
  /** Of the file; `null` while unknown. */
  readonly duration: number | null;
}

/** What the page says of itself; times are seconds. */
export interface PageDescription {
  readonly helios: {
    /** A number that JSON can't hold is told as text. */
    readonly width: number | string | null;
    readonly height: number | string | null;
    readonly fps: number | string | null;
    readonly duration: number | string | null;
    readonly inputProps: unknown;
    readonly schema: unknown;
    readonly captions: number;
    readonly markers: unknown;
    readonly tracks: readonly HeliosTrack[];
    /** Volume and mute by track id. */
    readonly mix: Readonly<Record<string, { volume?: number; muted?: boolean }>>;
    readonly volume: number;
    readonly muted: boolean;
  } | null;
  /** Content of `<meta name="helios-composition">`. */
  readonly meta: string | null;
  readonly longestAnimation: number | null;
  readonly title: string;
}

/** An entry of `availableAudioTracks`. */
export interface HeliosTrack {
  readonly id: string;
  readonly src: string;
  readonly startTime?: number;
  readonly duration?: number;
  readonly fadeInDuration?: number;
  readonly fadeOutDuration?: number;
  readonly fadeEasing?: string;
}

/** What the host calls in the page, as `window.__heliosInfra__`. */
export interface PageApi {
  /** True when the page has set `window.helios`. */
  hasHelios(): boolean;
  /** Runs the next timer although it is not due, so that a page can finish loading; true when there was one. */
  runLoadTimer(): Promise<boolean>;
  /** Ends the animations that are held while the page loads, so that it can finish; true when there was one. */
  endLoadAnimations(): Promise<boolean>;
  /** Ends loading: the time is 0 from here on. */
  startTimeline(): void;
  /**
   * Goes to a frame, at `ms` on the timeline, and waits until all that it shows is there.
   * @param changed whether the frame drawn since the last answer differed from the one before; `undefined` when
   * that can't be told
   */
  step(frame: number, ms: number, changed: boolean | undefined): Promise<StepAnswer>;
  /** Goes to a frame without waiting for anything and without seeking films. */
  skim(frame: number, ms: number): Promise<StepAnswer>;
  /** What `step` still waits for, for messages. */
  pending(): string[];
  describe(): PageDescription;
  media(): MediaSighting[];
}

/** Something that went wrong in the page without an exception. */
export interface Problem {
  readonly kind: 'webgl' | 'media';
  readonly message: string;
}

/** State shared by the injected scripts of one document. */
export interface PageState {
  readonly config: PageConfig;
  /** Virtual milliseconds since the timeline's start. */
  now: number;
  /** True while the host waits for the page to settle: timers made then run in real time. */
  settling: boolean;
  readonly problems: Problem[];
  readonly roots: Set<Document | ShadowRoot>;
  readonly native: {
    setTimeout(callback: () => void, ms?: number): unknown;
    clearTimeout(id: unknown): void;
    requestAnimationFrame(callback: () => void): number;
  };
  reseed(frame: number): void;
  nextTimerDue(): number;
  runTimer(): void;
  /** Makes the time `origin` and keeps every timer as far away as it was. */
  rebaseTimers(origin: number): void;
  runAnimationFrame(): void;
  /** Whether the page waits for a frame to be drawn, or for real time to pass. */
  awaitsFrame(): boolean;
  /** When the next running animation ends, in virtual milliseconds; Infinity when none does. */
  nextAnimationEnd(): number;
  /** Finishes the animations that end now; true when the page listens for it. */
  finishAnimations(): boolean;
  applyAnimations(): void;
  /** Ends those that are held while the page loads, the earliest first; true when there was one. */
  endHeldAnimations(): boolean;
  /** When an animation next begins; now when one is under way, Infinity when none is to come. */
  nextAnimationChange(): number;
  applySvg(): void;
  /** Whether an SVG has animations of its own. */
  hasSvgAnimations(): boolean;
  longestAnimationMs(): number | null;
  /** Keeps films and sounds from playing by themselves. */
  holdMedia(): void;
  /** Films that do not stand at the current time, and where they should, in their seconds. */
  filmsElsewhere(): { element: HTMLVideoElement; seconds: number }[];
  /** True when the film's last move went there, and the film is there. */
  standsAt(film: HTMLVideoElement, seconds: number): boolean;
  /** Takes note of whether a film can be seen now. */
  noteFilm(film: HTMLVideoElement): void;
  /** Moves a film for the page, without waiting for its picture. */
  putFilm(film: HTMLVideoElement, seconds: number): void;
  /**
   * Moves the films to the current time; to be called again, after a frame was drawn, until it answers true.
   * @param changed whether that frame differed from the one before; `undefined` when that can't be told
   */
  showFilms(changed: boolean | undefined): Promise<boolean>;
  /** Has the films that something covered moved anew, since the page may have uncovered them. */
  doubtFilms(): void;
  /** The film whose picture is waited for, as a message names it. */
  lateFilm(): string | undefined;
  /** When the next film or sound ends, in virtual milliseconds; Infinity when none does. */
  nextMediaEnd(): number;
  /** Tells the page of the films and sounds that end now. */
  endMedia(): void;
  /** Whether there is a film, seen or not. */
  hasFilm(): boolean;
  pendingMedia(): { what: string; promise: Promise<unknown> }[];
  media(): MediaSighting[];
  /** Adds a problem for each WebGL context that was lost. */
  checkWebGL(): void;
  /** Waits for a task of the event loop, so that promises and messages of the page run. */
  breathe(): Promise<void>;
}

interface HeliosSignal<T> {
  readonly value: T;
}

/** What is used of `@helios-project/core`'s instance. */
interface HeliosInstance {
  readonly duration?: HeliosSignal<number>;
  readonly fps?: HeliosSignal<number>;
  readonly width?: HeliosSignal<number>;
  readonly height?: HeliosSignal<number>;
  readonly inputProps?: HeliosSignal<unknown>;
  readonly captions?: HeliosSignal<unknown[]>;
  readonly markers?: HeliosSignal<unknown>;
  readonly volume?: HeliosSignal<number>;
  readonly muted?: HeliosSignal<boolean>;
  readonly availableAudioTracks?: HeliosSignal<HeliosTrack[]>;
  readonly audioTracks?: HeliosSignal<Record<string, { volume?: number; muted?: boolean }>>;
  readonly schema?: unknown;
  seek?(frame: number): void;
  waitUntilStable?(): Promise<void>;
  setInputProps?(props: Record<string, unknown>): void;
}

declare global {
  interface Window {
    helios?: HeliosInstance;
    gsap?: { ticker?: { lagSmoothing?(threshold: number): void } };
    __helios_gsap_timeline__?: { pause?(): void; seek(seconds: number, suppressEvents: boolean): void };
    __HELIOS_VIRTUAL_TIME__?: number;
    __HELIOS_PROPS__?: Record<string, unknown>;
    __heliosInfra__?: PageApi;
  }
}
