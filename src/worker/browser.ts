import { rm } from 'node:fs/promises';
import puppeteer, { type CDPSession, type Browser as PuppeteerBrowser } from 'puppeteer-core';
import { BrowserCrashedError, KitError } from '../utils/errors.ts';
import { createWorkFolder, type WorkFolder } from '../utils/work-folder.ts';
import { openKit } from './kit.ts';

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
  '--force-device-scale-factor=1',
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
  '--disable-features=IsolateOrigins,site-per-process,PaintHolding,Translate,MediaRouter',
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

const CLOSE_MS = 2_000;

/** Address at which a page finds its bundle, whatever port serves it. */
export const COMPOSITION_HOST = 'composition.localhost';

/** A running Chromium. */
export class Browser implements AsyncDisposable {
  readonly mode: CaptureMode;
  readonly root: CDPSession;
  readonly #puppeteer: PuppeteerBrowser;
  readonly #profile: WorkFolder;
  #crash: BrowserCrashedError | undefined;
  readonly #crashed = Promise.withResolvers<never>();
  #closing = false;

  private constructor(mode: CaptureMode, browser: PuppeteerBrowser, root: CDPSession, profile: WorkFolder) {
    this.mode = mode;
    this.root = root;
    this.#puppeteer = browser;
    this.#profile = profile;
    this.#crashed.promise.catch(() => {});
    const onEnd = () => {
      if (this.#closing) return;
      this.#crash = new BrowserCrashedError(
        'Chromium ended while it was rendering. It may have been killed, or out of memory.',
      );
      this.#crashed.reject(this.#crash);
    };
    browser.process()?.once('exit', onEnd);
    browser.once('disconnected', onEnd);
  }

  /** @param port where the composition server listens; `composition.localhost` leads there */
  static async launch(mode: CaptureMode, port: number): Promise<Browser> {
    const kit = await openKit();
    const profile = await createWorkFolder('browser');
    try {
      const browser = await puppeteer.launch({
        executablePath: kit.chromiumPath,
        ignoreDefaultArgs: true,
        pipe: true,
        waitForInitialPage: false,
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
        targetFilter: () => false,
        env: { ...kit.env },
        protocolTimeout: 0,
        args: [
          ...COMMON_FLAGS,
          ...(mode === 'begin-frame' ? BEGIN_FRAME_FLAGS : []),
          `--host-resolver-rules=MAP ${COMPOSITION_HOST}:80 127.0.0.1:${port}`,
          `--user-data-dir=${profile.path}`,
        ],
      });
      return new Browser(mode, browser, await browser.target().createCDPSession(), profile);
    } catch (cause) {
      await profile[Symbol.asyncDispose]();
      throw new KitError(`Chromium does not start (${kit.chromiumPath}). Run helios-infra doctor.`, {
        cause,
      });
    }
  }

  get pid(): number | undefined {
    return this.#puppeteer.process()?.pid;
  }

  get alive(): boolean {
    return !this.#crash && !this.#closing;
  }

  /** Settles as `work` does, or rejects with `BrowserCrashedError` when the browser ends first. */
  async guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.#crashed.promise]);
    } catch (error) {
      if (this.#crash) throw this.#crash;
      throw error;
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
