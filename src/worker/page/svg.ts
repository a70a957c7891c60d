import type { PageState } from './page-state.ts';

/** Puts SMIL animations of inline SVG on the frame's time; an SVG's time begins when it appears. */
export function installSvg(state: PageState): void {
  const begun = new WeakMap<SVGSVGElement, number>();
  state.applySvg = () => {
    for (const root of state.roots) {
      for (const svg of root.querySelectorAll('svg')) {
        if (svg.ownerSVGElement || !svg.querySelector('animate, animateTransform, animateMotion, set'))
          continue;
        const start = begun.get(svg) ?? state.now;
        begun.set(svg, start);
        svg.pauseAnimations();
        svg.setCurrentTime((state.now - start) / 1000);
      }
    }
  };
}
