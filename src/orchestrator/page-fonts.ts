import type { Protocol } from 'devtools-protocol';
import type { DevToolsSession } from '../worker/devtools.ts';

/** A font that text of a page is drawn with. */
export interface UsedFont {
  readonly family: string;
  /** Name of the face, such as `Inter-Bold`. */
  readonly face: string;
  /** True for a font that the page brings, false for one of the kit. */
  readonly ofPage: boolean;
}

const MAX_ELEMENTS = 500;

/** Elements that have text of their own, also in shadow roots and frames. */
function* textElements(node: Protocol.DOM.Node): Iterable<number> {
  const hidden = node.nodeName === 'SCRIPT' || node.nodeName === 'STYLE' || node.nodeName === 'HEAD';
  if (hidden) return;
  const { children = [], shadowRoots = [], pseudoElements = [], contentDocument } = node;
  if (children.some(({ nodeType, nodeValue }) => nodeType === 3 && nodeValue.trim() !== ''))
    yield node.nodeId;
  for (const pseudo of pseudoElements) yield pseudo.nodeId;
  for (const child of children) yield* textElements(child);
  for (const root of shadowRoots) yield* textElements(root);
  if (contentDocument) yield* textElements(contentDocument);
}

/** The fonts that a page draws text with, as it stands; needs `DOM.enable` and `CSS.enable`. */
export async function fontsInUse(page: DevToolsSession): Promise<UsedFont[]> {
  const { root } = await page.send('DOM.getDocument', { depth: -1, pierce: true });
  const found = new Map<string, UsedFont>();
  for (const nodeId of [...textElements(root)].slice(0, MAX_ELEMENTS)) {
    const { fonts } = await page.send('CSS.getPlatformFontsForNode', { nodeId });
    for (const { familyName: family, postScriptName: face, isCustomFont: ofPage } of fonts) {
      found.set(`${face} ${ofPage}`, { family, face, ofPage });
    }
  }
  return [...found.values()];
}
