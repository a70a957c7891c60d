import { installAnimations } from './animations.ts';
import { installClock } from './clock.ts';
import { installFilms } from './films.ts';
import { installMachine } from './machine.ts';
import { installMedia } from './media.ts';
import { installPageApi } from './page-api.ts';
import type { PageConfig } from './page-state.ts';
import { installRandom } from './random.ts';
import { installRealTimeLeaks } from './real-time-leaks.ts';
import { installRoots } from './roots.ts';
import { installSvg } from './svg.ts';
import { installWebGLGuard } from './webgl.ts';

const parts = [
  installRandom,
  installRoots,
  installFilms,
  installClock,
  installRealTimeLeaks,
  installMachine,
  installSvg,
  installAnimations,
  installMedia,
  installWebGLGuard,
  installPageApi,
];

/** The script that every document runs before its own: each part is a function that stands alone. */
export function pageScript(config: PageConfig): string {
  // As text that is parsed there: in a literal, "__proto__" would be no name but the object's prototype.
  const json = JSON.stringify(JSON.stringify(config));
  return `(() => {
  if (window.__heliosInfra__) return;
  const state = { config: JSON.parse(${json}), now: 0, settling: false, problems: [], roots: new Set(), native: {} };
  ${parts.map((part) => `(${part.toString()})(state);`).join('\n  ')}
})();`;
}
