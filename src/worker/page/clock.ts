import type { PageState } from './page-state.ts';

/** Puts `Date`, `performance.now`, timers and `requestAnimationFrame` on the frame's time. */
export function installClock(state: PageState): void {
  interface Timer {
    readonly id: number;
    due: number;
    readonly interval: number | undefined;
    readonly nesting: number;
    readonly run: () => void;
  }
  const { config } = state;
  const native = {
    setTimeout: window.setTimeout.bind(window),
    clearTimeout: window.clearTimeout.bind(window),
    requestAnimationFrame: window.requestAnimationFrame.bind(window),
  };
  Object.assign(state.native, native);

  const NativeDate = Date;
  const wall = () => Math.floor(config.epochMs + state.now);
  const VirtualDate = function (this: unknown, ...args: unknown[]): unknown {
    if (!new.target) return new NativeDate(wall()).toString();
    const values = args.length === 0 ? [wall()] : args;
    return Reflect.construct(NativeDate, values, new.target);
  } as unknown as DateConstructor;
  Object.setPrototypeOf(VirtualDate, NativeDate);
  Object.defineProperty(VirtualDate, 'prototype', { value: NativeDate.prototype, writable: false });
  Object.defineProperty(NativeDate.prototype, 'constructor', {
    value: VirtualDate,
    writable: true,
    configurable: true,
  });
  VirtualDate.now = wall;
  window.Date = VirtualDate;

  Performance.prototype.now = () => state.now;
  Object.defineProperty(Performance.prototype, 'timeOrigin', {
    get: () => config.epochMs,
    configurable: true,
  });
  Object.defineProperty(AnimationTimeline.prototype, 'currentTime', {
    get: () => state.now,
    configurable: true,
  });

  const timers = new Map<number, Timer>();
  let lastId = 0;
  let nesting = 0;
  // https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timer-initialisation-steps
  const add = (handler: TimerHandler, delay: unknown, repeat: boolean, args: unknown[]): number => {
    const wanted = Math.max(0, Number(delay) || 0);
    const ms = nesting >= 5 || repeat ? Math.max(4, wanted) : wanted;
    const call = typeof handler === 'function' ? handler : new Function(handler);
    const run = () => void call(...args);
    const id = ++lastId;
    timers.set(id, { id, due: state.now + ms, interval: repeat ? ms : undefined, nesting: nesting + 1, run });
    return id;
  };
  const realTime = new Map<number, unknown>();
  const addRealTime = (handler: TimerHandler, delay: unknown, args: unknown[]): number => {
    const id = ++lastId;
    const run = () => {
      realTime.delete(id);
      if (typeof handler === 'function') handler(...args);
    };
    realTime.set(id, native.setTimeout(run, Number(delay) || 0));
    return id;
  };
  const clear = (id: unknown): void => {
    timers.delete(Number(id));
    const real = realTime.get(Number(id));
    if (real !== undefined) native.clearTimeout(real as number);
    realTime.delete(Number(id));
  };
  Object.assign(window, {
    setTimeout: (handler: TimerHandler, delay?: unknown, ...args: unknown[]) =>
      state.settling ? addRealTime(handler, delay, args) : add(handler, delay, false, args),
    setInterval: (handler: TimerHandler, delay?: unknown, ...args: unknown[]) =>
      add(handler, delay, true, args),
    clearTimeout: clear,
    clearInterval: clear,
    requestIdleCallback: (callback: (deadline: IdleDeadline) => void) =>
      add(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 0, false, []),
    cancelIdleCallback: clear,
  });

  const earliest = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers.values()) if (!first || timer.due < first.due) first = timer;
    return first;
  };
  state.nextTimerDue = () => earliest()?.due ?? Number.POSITIVE_INFINITY;
  state.runTimer = () => {
    const timer = earliest();
    if (!timer) return;
    state.now = Math.max(state.now, timer.due);
    timers.delete(timer.id);
    if (timer.interval !== undefined) {
      timers.set(timer.id, { ...timer, due: timer.due + timer.interval });
    }
    nesting = timer.nesting;
    try {
      timer.run();
    } catch (error) {
      reportError(error);
    } finally {
      nesting = 0;
    }
  };
  state.rebaseTimers = (origin) => {
    for (const timer of timers.values()) timer.due += origin - state.now;
    state.now = origin;
  };

  let callbacks = new Map<number, FrameRequestCallback>();
  Object.assign(window, {
    requestAnimationFrame: (callback: FrameRequestCallback) => {
      const id = ++lastId;
      if (state.settling) {
        const run = () => {
          realTime.delete(id);
          callback(state.now);
        };
        realTime.set(id, native.setTimeout(run, 0));
      } else callbacks.set(id, callback);
      return id;
    },
    cancelAnimationFrame: (id: number) => {
      callbacks.delete(id);
      clear(id);
    },
  });
  state.awaitsFrame = () => callbacks.size > 0 || realTime.size > 0;
  state.runAnimationFrame = () => {
    const due = callbacks;
    callbacks = new Map();
    for (const callback of due.values()) {
      try {
        callback(state.now);
      } catch (error) {
        reportError(error);
      }
    }
  };

  const channel = new MessageChannel();
  const waiting: (() => void)[] = [];
  channel.port1.onmessage = () => waiting.shift()?.();
  state.breathe = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(0);
    });
}
