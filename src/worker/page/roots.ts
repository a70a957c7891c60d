import type { PageState } from './page-state.ts';

/** Keeps the document and all its shadow roots, closed ones as well, in `state.roots`. */
export function installRoots(state: PageState): void {
  const attachShadow = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function attach(init) {
    const root = attachShadow.call(this, init);
    state.roots.add(root);
    return root;
  };
  const collect = (from: ParentNode): void => {
    for (const { shadowRoot } of from.querySelectorAll('*')) {
      if (!shadowRoot || state.roots.has(shadowRoot)) continue;
      state.roots.add(shadowRoot);
      collect(shadowRoot);
    }
  };
  for (const { prototype } of [Element, ShadowRoot]) {
    const { setHTMLUnsafe } = prototype;
    prototype.setHTMLUnsafe = function set(
      this: Element & ShadowRoot,
      ...args: Parameters<typeof setHTMLUnsafe>
    ) {
      setHTMLUnsafe.apply(this, args);
      collect(this);
    };
  }
  state.roots.add(document);
  document.addEventListener('DOMContentLoaded', () => collect(document));
}
