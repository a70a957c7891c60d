import type { PageOptions } from '../types/render-job.ts';
import type { PixelSize } from './framebuffer.ts';
import type { RawFormat } from './picture.ts';

/** How a browser draws: the frames that we issue, or by itself. */
export type CaptureMode = 'begin-frame' | 'screenshot';

/** What a browser is started for. */
export interface BrowserKind {
  readonly mode: CaptureMode;
  /**
   * Device pixels a CSS pixel, at least 0.5. It is the browser's own: where a page of another scale is only emulated,
   * `screenshot` mode draws a frame now one way, now another.
   * @default 1
   */
  readonly scale?: number;
  /** That will be read from its memory: where they go is made ready while it starts. */
  readonly pictures?: { readonly size: PixelSize; readonly format: RawFormat } | undefined;
}

const COMMON_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--use-angle=swiftshader-webgl',
  '--enable-unsafe-swiftshader',
  '--hide-scrollbars',
  '--mute-audio',
  '--autoplay-policy=no-user-gesture-required',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--disable-lcd-text',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  '--disable-quic',
  '--block-new-web-contents',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--disable-breakpad',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--disable-site-isolation-trials',
  '--disable-features=IsolateOrigins,site-per-process,PaintHolding,Translate,MediaRouter,AudioServiceOutOfProcess',
  // One process less to start; the gate is the network anyway.
  '--enable-features=NetworkServiceInProcess2',
  '--no-first-run',
  '--lang=en-US',
  '--remote-debugging-pipe',
];

const BEGIN_FRAME_FLAGS = [
  '--enable-begin-frame-control',
  '--run-all-compositor-stages-before-draw',
  '--disable-threaded-animation',
  '--disable-threaded-scrolling',
  '--disable-checker-imaging',
  '--disable-partial-raster',
  '--disable-image-animation-resync',
  '--disable-new-content-rendering-timeout',
  '--enable-surface-synchronization',
];

export interface LaunchOptions {
  readonly proxyPort: number;
  /** A folder. */
  readonly profile: string;
  /** Whether pages' processes are copies of one that is ready, rather than started anew, which takes a fifth longer. */
  readonly zygote: boolean;
}

/** How Chromium is started: without a sandbox, which Lambda has no room for, and with one way to the network. */
export function chromiumFlags(kind: BrowserKind, { proxyPort, profile, zygote }: LaunchOptions): string[] {
  return [
    ...COMMON_FLAGS,
    ...(zygote ? [] : ['--no-zygote']),
    ...(kind.mode === 'begin-frame' ? BEGIN_FRAME_FLAGS : []),
    `--force-device-scale-factor=${kind.scale ?? 1}`,
    `--proxy-server=http://127.0.0.1:${proxyPort}`,
    '--proxy-bypass-list=<-loopback>',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    `--user-data-dir=${profile}`,
  ];
}

/** The browser that frames are looked at with. */
export function browserKindOf(page: Pick<PageOptions, 'capture'>, scale = 1): BrowserKind {
  return { mode: page.capture === 'screenshot' ? 'screenshot' : 'begin-frame', scale };
}
