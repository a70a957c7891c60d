import type { PageState } from './page-state.ts';

/** Reports a WebGL context that could not be had, or was lost. */
export function installWebGLGuard(state: PageState): void {
  type Context = Pick<WebGLRenderingContext, 'isContextLost'>;
  const guarded = new WeakSet<EventTarget>();
  const contexts = new Set<WeakRef<Context>>();
  const lost = { kind: 'webgl', message: 'a WebGL context was lost' } as const;
  // The page hears of a loss only some frames later.
  state.checkWebGL = () => {
    for (const reference of contexts) {
      const context = reference.deref();
      if (context && !context.isContextLost()) continue;
      contexts.delete(reference);
      if (context) state.problems.push(lost);
    }
  };
  for (const Canvas of [HTMLCanvasElement, OffscreenCanvas]) {
    const { prototype } = Canvas as { prototype: { getContext(type: string, ...rest: unknown[]): unknown } };
    const { getContext } = prototype;
    prototype.getContext = function get(this: EventTarget, type: string, ...rest: unknown[]): unknown {
      const context = Reflect.apply(getContext, this, [type, ...rest]);
      if (!/webgl/.test(type)) return context;
      if (!context)
        state.problems.push({ kind: 'webgl', message: `a canvas asked for a ${type} context and got none` });
      else if (!guarded.has(this)) {
        guarded.add(this);
        contexts.add(new WeakRef(context as Context));
        this.addEventListener('webglcontextlost', () => state.problems.push(lost));
      }
      return context;
    };
  }
}
