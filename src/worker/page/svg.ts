import type { PageState } from './page-state.ts';

/** Puts SMIL animations of inline SVG on the frame's time; an SVG's time begins when it appears. */
export function installSvg(state: PageState): void {
  const ANIMATIONS = 'animate, animateTransform, animateMotion, set';
  const begun = new WeakMap<SVGSVGElement, number>();
  state.hasSvgAnimations = () => [...state.roots].some((root) => root.querySelector(ANIMATIONS));
  state.applySvg = () => {
    for (const root of state.roots) {
      for (const svg of root.querySelectorAll('svg')) {
        if (svg.ownerSVGElement || !svg.querySelector(ANIMATIONS)) continue;
        const start = begun.get(svg) ?? state.now;
        begun.set(svg, start);
        svg.pauseAnimations();
        svg.setCurrentTime((state.now - start) / 1000);
      }
    }
  };
}
