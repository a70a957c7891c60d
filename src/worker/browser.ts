import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import puppeteer, { type CDPSession, type Browser as PuppeteerBrowser } from 'puppeteer-core';
import { BrowserCrashedError, type ErrorDetails, HeliosError, KitError } from '../utils/errors.ts';
import { isAlive } from '../utils/process-tag.ts';
import { createWorkFolder, type WorkFolder } from '../utils/work-folder.ts';
import { boundMessages } from './bound-messages.ts';
import { type BrowserKind, type CaptureMode, chromiumFlags } from './chromium-flags.ts';
import { followWorkers } from './follow-workers.ts';
import { Gate } from './gate.ts';
import { type Kit, openKit } from './kit.ts';
import { watchResources } from './resource-watch.ts';

/** Processes of which a browser has one each, as it names them, and what they do. */
const HELPERS = { GPU: 'drawing', 'network.mojom.NetworkService': 'network' };

const CLOSE_MS = 2_000;
const LAUNCHES = 2;
const LAUNCH_MS = 30_000;
const ANSWER_MS = 10_000;

/** Where Chromium writes its messages; each ends in a zero byte. */
const FROM_CHROMIUM = 4;

/** A running Chromium, and the gate that all its requests go through. */
export class Browser implements AsyncDisposable {
  readonly mode: CaptureMode;
  readonly scale: number;
  readonly root: CDPSession;
  readonly gate: Gate;
  readonly #puppeteer: PuppeteerBrowser;
  readonly #profile: WorkFolder;
  readonly #watch: Disposable | undefined;
  #crash: HeliosError | undefined;
  readonly #guarded = new Set<(crash: HeliosError) => void>();
  readonly #helpers = new Map<string, number>();
  /** Set when a page may still be busy in it: it is not lent again. */
  doubtful = false;
  #closing = false;

  private constructor(
    kind: BrowserKind,
    gate: Gate,
    browser: PuppeteerBrowser,
    root: CDPSession,
    profile: WorkFolder,
  ) {
    this.mode = kind.mode;
    this.scale = kind.scale ?? 1;
    this.gate = gate;
    gate.onOverrun = (error) => this.stop(error);
    this.root = root;
    this.#puppeteer = browser;
    this.#profile = profile;
    const { pid } = this;
    this.#watch = pid === undefined ? undefined : watchResources({ pid, stop: (error) => this.stop(error) });
    const onEnd = () => this.#fail('Chromium ended while it was rendering.', {});
    browser.process()?.once('exit', onEnd);
    browser.once('disconnected', onEnd);
    root.on('Target.targetCrashed', ({ status }) => {
      this.#fail("Chromium's process of the page ended while it was rendering.", { status });
    });
  }

  #fail(what: string, details: ErrorDetails): void {
    this.#end(new BrowserCrashedError(`${what} It may have been killed, or out of memory.`, { details }));
  }

  #end(crash: HeliosError): void {
    if (this.#closing || this.#crash) return;
    this.#crash = crash;
    for (const reject of this.#guarded) reject(crash);
    this.#guarded.clear();
  }

  /** Ends the browser at once; every wait for it rejects with `error`. */
  stop(error: HeliosError): void {
    this.#end(error);
    this.kill();
  }

  static async launch(kind: BrowserKind): Promise<Browser> {
    const kit = await openKit();
    for (let attempt = 1; ; attempt++) {
      const gate = await Gate.listen();
      try {
        return await Browser.#launch(kind, gate, kit);
      } catch (cause) {
        await gate[Symbol.asyncDispose]();
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

  static async #launch(kind: BrowserKind, gate: Gate, kit: Kit): Promise<Browser> {
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
        args: chromiumFlags(kind, gate.port, profile.path),
      });
      const pipe = browser.process()?.stdio[FROM_CHROMIUM] as Readable | undefined;
      let started: Browser | undefined;
      if (pipe) boundMessages(pipe, (error) => started?.stop(error));
      const root = await browser.target().createCDPSession();
      await root.send('Target.setDiscoverTargets', { discover: true });
      // They belong to no page's session.
      await followWorkers(root, [{ type: 'shared_worker' }]);
      started = new Browser(kind, gate, browser, root, profile);
      return started;
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

  /** The process that draws, if Chromium has one for that. */
  async drawingProcess(): Promise<number | undefined> {
    if (!this.#helpers.has('GPU')) await this.checkProcesses();
    return this.#helpers.get('GPU');
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
    this.#watch?.[Symbol.dispose]();
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
    await this.gate[Symbol.asyncDispose]();
    await rm(this.#profile.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
