import { outputSize } from '../types/codecs.ts';
import type { Browser } from './browser.ts';
import type { DevToolsSession } from './devtools.ts';
import { followWorkers } from './follow-workers.ts';

export interface TargetOptions {
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** Device pixels a CSS pixel. */
  readonly scale: number;
  readonly transparent: boolean;
  /** Runs in every document before its own scripts. */
  readonly script: string;
}

/** An empty page in a profile of its own. */
export interface Target {
  readonly page: DevToolsSession;
  readonly browserContextId: string;
}

/** The browser's window: it cuts off what is beyond it both in CSS pixels and in device pixels. */
export function windowSize(
  size: { readonly width: number; readonly height: number },
  scale: number,
): { width: number; height: number } {
  return outputSize(size, { scale: Math.max(1, scale) });
}

/** Opens an empty page that draws only when it is told to (in `begin-frame` mode). */
export async function openTarget(browser: Browser, options: TargetOptions): Promise<Target> {
  const { width, height, scale, transparent, script } = options;
  const { root } = browser;
  const { browserContextId } = await browser.guard(root.send('Target.createBrowserContext'));
  const { targetId } = await browser.guard(
    root.send('Target.createTarget', {
      url: 'about:blank',
      ...windowSize({ width, height }, scale),
      browserContextId,
      enableBeginFrameControl: browser.mode === 'begin-frame',
    }),
  );
  const { sessionId } = await browser.guard(root.send('Target.attachToTarget', { targetId, flatten: true }));
  const page = root.connection.session(sessionId);
  const metrics = { width, height, deviceScaleFactor: scale, mobile: false };
  const clear = { color: { r: 0, g: 0, b: 0, a: 0 } };
  await browser.guard(
    Promise.all([
      page.send('Page.enable'),
      page.send('Runtime.enable'),
      page.send('Network.enable', { maxTotalBufferSize: 0, maxResourceBufferSize: 0 }),
      page.send('Network.setBypassServiceWorker', { bypass: true }),
      root.send('Browser.setDownloadBehavior', { behavior: 'deny', browserContextId, eventsEnabled: true }),
      followWorkers(page),
      page.send('Page.addScriptToEvaluateOnNewDocument', { source: script }),
      page.send('Emulation.setDeviceMetricsOverride', metrics),
      ...(transparent ? [page.send('Emulation.setDefaultBackgroundColorOverride', clear)] : []),
    ]),
  );
  browser.notePage();
  return { page, browserContextId };
}
