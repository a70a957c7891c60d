import type { PageState } from './page-state.ts';

/** Reports a WebGL context that could not be had, or was lost. */
export function installWebGLGuard(state: PageState): void {
  const guarded = new WeakSet<EventTarget>();
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
        this.addEventListener('webglcontextlost', () => {
          state.problems.push({ kind: 'webgl', message: 'a WebGL context was lost' });
        });
      }
      return context;
    };
  }
}
