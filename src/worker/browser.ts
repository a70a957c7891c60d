import { rm } from 'node:fs/promises';
import puppeteer, { type CDPSession, type Browser as PuppeteerBrowser } from 'puppeteer-core';
import { BrowserCrashedError, type ErrorDetails, HeliosError, KitError } from '../utils/errors.ts';
import { isAlive } from '../utils/process-tag.ts';
import { createWorkFolder, type WorkFolder } from '../utils/work-folder.ts';
import { type Kit, openKit } from './kit.ts';

/** How pictures are taken: by frames that we issue, or by the browser's own screenshots. */
export type CaptureMode = 'begin-frame' | 'screenshot';

const COMMON_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--no-zygote',
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
  '--disable-breakpad',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--disable-site-isolation-trials',
  '--disable-features=IsolateOrigins,site-per-process,PaintHolding,Translate,MediaRouter,AudioServiceOutOfProcess',
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

/** Processes of which a browser has one each, as it names them, and what they do. */
const HELPERS = { GPU: 'drawing', 'network.mojom.NetworkService': 'network' };

const CLOSE_MS = 2_000;
const LAUNCHES = 2;
const LAUNCH_MS = 30_000;
const ANSWER_MS = 10_000;

/** What a browser is started for. */
export interface BrowserKind {
  readonly mode: CaptureMode;
  /** Device pixels a CSS pixel; in `begin-frame` mode it is the browser's own, and at least 0.5. @default 1 */
  readonly scale?: number;
}

/** Address at which a page finds its bundle, whatever port serves it. */
export const COMPOSITION_HOST = 'composition.localhost';

/** A running Chromium. */
export class Browser implements AsyncDisposable {
  readonly mode: CaptureMode;
  readonly scale: number;
  readonly root: CDPSession;
  readonly #puppeteer: PuppeteerBrowser;
  readonly #profile: WorkFolder;
  #crash: BrowserCrashedError | undefined;
  readonly #guarded = new Set<(crash: BrowserCrashedError) => void>();
  readonly #helpers = new Map<string, number>();
  #closing = false;

  private constructor(kind: BrowserKind, browser: PuppeteerBrowser, root: CDPSession, profile: WorkFolder) {
    this.mode = kind.mode;
    this.scale = kind.scale ?? 1;
    this.root = root;
    this.#puppeteer = browser;
    this.#profile = profile;
    const onEnd = () => this.#fail('Chromium ended while it was rendering.', {});
    browser.process()?.once('exit', onEnd);
    browser.once('disconnected', onEnd);
    root.on('Target.targetCrashed', ({ status }) => {
      this.#fail("Chromium's process of the page ended while it was rendering.", { status });
    });
  }

  #fail(what: string, details: ErrorDetails): void {
    if (this.#closing || this.#crash) return;
    const crash = new BrowserCrashedError(`${what} It may have been killed, or out of memory.`, { details });
    this.#crash = crash;
    for (const reject of this.#guarded) reject(crash);
    this.#guarded.clear();
  }

  /** @param port where the composition server listens; `composition.localhost` leads there */
  static async launch(kind: BrowserKind, port: number): Promise<Browser> {
    const kit = await openKit();
    for (let attempt = 1; ; attempt++) {
      try {
        return await Browser.#launch(kind, port, kit);
      } catch (cause) {
        if (cause instanceof HeliosError) throw cause;
        // A browser can be killed while it starts, as another can later.
        if (attempt < LAUNCHES) continue;
        throw new KitError(`Chromium does not start (${kit.chromiumPath}). Run helios-infra doctor.`, {
          cause,
          details: { chromium: kit.chromiumPath },
        });
      }
    }
  }

  static async #launch(kind: BrowserKind, port: number, kit: Kit): Promise<Browser> {
    const profile = await createWorkFolder('browser');
    const overdue = new AbortController();
    const timer = setTimeout(() => overdue.abort(), LAUNCH_MS);
    try {
      const browser = await puppeteer.launch({
        signal: overdue.signal,
        executablePath: kit.chromiumPath,
        ignoreDefaultArgs: true,
        pipe: true,
        waitForInitialPage: false,
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
        targetFilter: () => false,
        env: { ...kit.env, TMPDIR: profile.path },
        protocolTimeout: 0,
        args: [
          ...COMMON_FLAGS,
          ...(kind.mode === 'begin-frame' ? BEGIN_FRAME_FLAGS : []),
          `--force-device-scale-factor=${kind.scale ?? 1}`,
          `--host-resolver-rules=MAP ${COMPOSITION_HOST}:80 127.0.0.1:${port}`,
          `--user-data-dir=${profile.path}`,
        ],
      });
      const root = await browser.target().createCDPSession();
      await root.send('Target.setDiscoverTargets', { discover: true });
      return new Browser(kind, browser, root, profile);
    } catch (error) {
      await profile[Symbol.asyncDispose]();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get pid(): number | undefined {
    return this.#puppeteer.process()?.pid;
  }

  get alive(): boolean {
    return !this.#crash && !this.#closing;
  }

  /** Settles as `work` does, or rejects with `BrowserCrashedError` when the browser ends first. */
  guard<T>(work: Promise<T>): Promise<T> {
    // Not Promise.race with one promise for the crash: that would hold every result until the browser ends.
    return new Promise((resolve, reject) => {
      if (this.#crash) reject(this.#crash);
      this.#guarded.add(reject);
      work
        .then(resolve, (error: unknown) => reject(this.#crash ?? error))
        .finally(() => this.#guarded.delete(reject));
    });
  }

  /** As `guard`; a browser that does not answer in time counts as ended. */
  async within<T>(ms: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#fail(`Chromium did not answer within ${ms} ms.`, { ms }), ms);
    try {
      return await this.guard(work);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Checks that the processes that draw and load are still the first ones. A browser starts others by itself, but
   * canvases are blank and WebGL contexts lost, and what was being loaded counts as missing.
   * @throws BrowserCrashedError
   */
  async checkProcesses(): Promise<void> {
    const { processInfo } = await this.within(ANSWER_MS, this.root.send('SystemInfo.getProcessInfo'));
    for (const [type, work] of Object.entries(HELPERS)) {
      const id = processInfo.find((process) => process.type === type)?.id;
      const first = this.#helpers.get(type) ?? id;
      if (first !== undefined) this.#helpers.set(type, first);
      // What was loaded fails before the browser notices why.
      if (id === first && (first === undefined || isAlive(first))) continue;
      this.#fail(`Chromium's ${work} process ended while it was rendering.`, {});
      if (this.#crash) throw this.#crash;
    }
  }

  /** Ends the browser and all its processes at once. */
  kill(): void {
    const { pid } = this;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#puppeteer.process()?.kill('SIGKILL');
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const child = this.#puppeteer.process();
    const exited = new Promise<void>((resolve) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
    const timer = setTimeout(() => this.kill(), CLOSE_MS);
    await Promise.race([this.#puppeteer.close().catch(() => {}), exited]);
    await exited;
    clearTimeout(timer);
    this.kill();
    await rm(this.#profile.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
