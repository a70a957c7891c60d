import { outputSize } from '../types/codecs.ts';
import type { ResolvedComposition } from '../types/composition.ts';
import { frameToMs, toRational } from '../types/fps.ts';
import type { PageOptions } from '../types/render-job.ts';
import { BlockedRequestError, BrowserCrashedError, CompositionLoadError } from '../utils/errors.ts';
import { awaitHelios } from './await-helios.ts';
import type { Browser } from './browser.ts';
import type { DevToolsSession } from './devtools.ts';
import { FrameTicker } from './frame-ticker.ts';
import { Framebuffer, type PixelSize } from './framebuffer.ts';
import { COMPOSITION_HOST } from './gate.ts';
import { openTarget, type Target, windowSize } from './open-target.ts';
import { pageScript } from './page/page-script.ts';
import type { PageDescription, StepAnswer } from './page/page-state.ts';
import { PageFaults } from './page-faults.ts';
import { PageNetwork } from './page-network.ts';
import type { RawFormat } from './picture.ts';
import type { RawPictures } from './raw-pictures.ts';
import { Rest } from './rest.ts';

/** 2025-01-01T00:00:00Z: what a composition's `Date` shows at frame 0. */
const EPOCH_MS = 1_735_689_600_000;
const WARM_UP_TICKS = 2;
const QUIET_MS = 30;
const LOAD_TICK_MS = 8;
const STEP_TICK_MS = 60;
/** A pixel's in a message at the most: 4 bytes of a PNG that nothing makes smaller, in base64, and some to spare. */
const PICTURE_BYTES = 6;

export interface PageSessionOptions {
  readonly composition: ResolvedComposition;
  readonly page: Omit<PageOptions, 'seekMode'>;
  /** Device pixels a CSS pixel. */
  readonly scale: number;
  readonly transparent: boolean;
  /** Looks for the memory that the page is drawn into. @default false */
  readonly framebuffer?: boolean;
  /** Overrides `composition.kind`: has so many ms of patience for a `window.helios`, then goes on without. */
  readonly lookForHelios?: number;
}

function address(composition: ResolvedComposition): string {
  const { ref } = composition;
  if (ref.kind === 'url') return ref.url;
  return `http://${COMPOSITION_HOST}/${ref.entry.split('/').map(encodeURIComponent).join('/')}`;
}

/** One page of a composition, on its own clock: loads it, goes to frames, reports what goes wrong. */
export class PageSession implements AsyncDisposable {
  readonly ticker: FrameTicker;
  readonly network: PageNetwork;
  readonly page: DevToolsSession;
  readonly #faults: PageFaults;
  readonly #browser: Browser;
  readonly #browserContextId: string;
  readonly #options: PageSessionOptions;
  readonly #contexts = new Map<string, number>();
  readonly #rest = new Rest();
  #mainFrame = '';
  /** That were shown in the main frame, from the composition's own on. */
  #documents = 0;
  #endedAnimations = false;
  #closed = false;
  #documentStatus: { status: number; url: string } | undefined;
  #framebuffer: Framebuffer | undefined;
  #pictures: RawPictures | undefined;

  private constructor(browser: Browser, { page, browserContextId }: Target, options: PageSessionOptions) {
    this.#browser = browser;
    this.page = page;
    this.#browserContextId = browserContextId;
    this.#options = options;
    this.network = new PageNetwork(page, browser.root);
    this.#faults = new PageFaults(page, this.network, browser.gate, options.page.onAssetError);
    this.ticker = new FrameTicker(page, browser.mode, frameToMs(1, options.composition.fps));
    this.#listen();
  }

  /** Opens the composition and goes to frame 0. */
  static async open(browser: Browser, options: PageSessionOptions): Promise<PageSession> {
    const { width, height, fps, inputProps } = options.composition;
    const { scale, transparent } = options;
    const script = pageScript({ epochMs: EPOCH_MS, fps: toRational(fps), inputProps });
    const { load } = options.page.timeouts;
    const opening = openTarget(browser, { width, height, scale, transparent, script });
    const target = await browser.within(load, opening);
    const picture = windowSize(options.composition, scale);
    browser.root.connection.allowMessages(picture.width * picture.height * PICTURE_BYTES);
    const session = new PageSession(browser, target, options);
    try {
      // Without frames before the first navigation, about one page in fifty never gives a picture.
      for (let tick = 0; tick < WARM_UP_TICKS; tick++) await browser.within(load, session.ticker.tick());
      if (options.framebuffer) await browser.within(load, session.#findFramebuffer());
      await session.#load();
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Whether animations were ended so that the page could finish loading. */
  get endedAnimations(): boolean {
    return this.#endedAnimations;
  }

  get warnings(): readonly string[] {
    return this.#faults.warnings;
  }

  /** Whether the composition's first document gave way to another. */
  get wasReplaced(): boolean {
    return this.#documents > 1;
  }

  /** There when it was asked for and can be read. */
  get framebuffer(): Framebuffer | undefined {
    return this.#framebuffer;
  }

  /** Memory for the page's pictures, for as long as it is open. */
  rawPictures(size: PixelSize, format: RawFormat): RawPictures {
    this.#pictures ??= this.#browser.pictureMemory.take(size, format);
    return this.#pictures;
  }

  /** Goes to a frame, unless the page stands at it, and waits until all that it shows is there. */
  async step(frame: number): Promise<void> {
    if (frame === this.frame) return;
    const ms = frameToMs(frame, this.#options.composition.fps);
    if (this.ticker.stands && this.#rest.covers(frame, ms)) this.#pass(frame, ms);
    else this.#rest.noteStep(frame, ms, await this.#goTo(frame, 'step'));
    await this.networkIdle();
    this.check();
  }

  /** Goes to a frame without waiting for what it shows; the picture would not be right. */
  async skim(frame: number): Promise<void> {
    await this.#goTo(frame, 'skim');
    this.#rest.end();
    this.check();
  }

  #pass(frame: number, ms: number): void {
    this.#faults.frame = frame;
    this.ticker.moveTo(ms);
  }

  /** @returns until when the page rests, in milliseconds on the timeline */
  async #goTo(frame: number, how: 'step' | 'skim'): Promise<number> {
    const ms = frameToMs(frame, this.#options.composition.fps);
    this.#pass(frame, ms);
    let restsUntil = ms;
    const timeout = this.#options.page.timeouts.frame;
    for (const [frameId, contextId] of [...this.#contexts]) {
      let changed: boolean | undefined = false;
      this.ticker.takeChange();
      for (const since = performance.now(); ; ) {
        const expression = `window.__heliosInfra__?.${how}(${frame}, ${ms}, ${changed})`;
        const work = this.ticker.while(
          this.#evaluate<StepAnswer | undefined>(expression, contextId),
          STEP_TICK_MS,
        );
        const answer = await this.#inTime(work, timeout).catch((error: unknown) => {
          if (frameId !== this.#mainFrame && !this.#contexts.has(frameId)) return undefined;
          throw error;
        });
        for (const problem of answer?.problems ?? []) this.#faults.report(problem);
        if (!answer?.needsFrame) {
          restsUntil = answer?.restsUntil ?? ms;
          break;
        }
        if (answer.lateFilm !== undefined && performance.now() - since > timeout)
          throw this.#faults.timeoutError([answer.lateFilm], timeout);
        await this.#inTime(this.ticker.tick(), timeout);
        changed = this.ticker.takeChange();
      }
    }
    // One document can wake another after that has answered.
    return this.#contexts.size === 1 ? restsUntil : ms;
  }

  /** Waits until no request that a frame needs is under way. @returns whether there was one */
  async networkIdle(): Promise<boolean> {
    if (this.network.idle) return false;
    this.#rest.end();
    await this.#inTime(this.ticker.while(this.#quiet(), LOAD_TICK_MS), this.#options.page.timeouts.frame);
    return true;
  }

  /** The frame that the page stands at; -1 while it loads. */
  get frame(): number {
    return this.#faults.frame ?? -1;
  }

  describe(): Promise<PageDescription> {
    return this.evaluate<PageDescription>('__heliosInfra__.describe()');
  }

  /** Evaluates in the main document; promises are awaited. */
  evaluate<T>(expression: string): Promise<T> {
    const work = this.#evaluate<T>(expression, this.#contexts.get(this.#mainFrame));
    return this.#inTime(work, this.#options.page.timeouts.frame);
  }

  /** Evaluates in every document of the page, the main one first. */
  async evaluateAll<T>(expression: string): Promise<T[]> {
    const answers: T[] = [];
    const timeout = this.#options.page.timeouts.frame;
    for (const contextId of [...this.#contexts.values()])
      answers.push(await this.#inTime(this.#evaluate<T>(expression, contextId), timeout));
    return answers;
  }

  /** @throws CompositionLoadError, PageScriptError, AssetError when the page failed since the last check */
  check(): void {
    this.#faults.check();
  }

  /** Settles as `work` does; when the browser ends first, rejects; when the time is over first, as `onTimeout`. */
  async guard<T>(work: Promise<T>, ms: number, onTimeout: () => Promise<never> | never): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ms);
    });
    try {
      const first = await this.#browser.guard(Promise.race([work.then((value) => ({ value })), over]));
      if (first) return first.value;
    } finally {
      clearTimeout(timer);
    }
    work.catch(() => {});
    return onTimeout();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#framebuffer?.[Symbol.dispose]();
    if (this.#pictures) this.#browser.pictureMemory.giveBack(this.#pictures);
    this.network[Symbol.dispose]();
    this.#browser.root.connection.allowMessages(0);
    if (!this.#browser.alive) return;
    const gone = this.#browser.root.send('Target.disposeBrowserContext', {
      browserContextId: this.#browserContextId,
    });
    await Promise.race([gone.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
  }

  async #findFramebuffer(): Promise<void> {
    const { composition, scale } = this.#options;
    const size = outputSize(composition, { scale });
    const { width } = windowSize(composition, scale);
    this.#framebuffer = await Framebuffer.find(this.#browser, this.page, this.ticker, size, width);
    if (!this.#framebuffer) this.#browser.pictureMemory.drop();
  }

  #listen(): void {
    const { page } = this;
    page.on('Runtime.executionContextCreated', ({ context }) => {
      const { isDefault, frameId } = (context.auxData ?? {}) as { isDefault?: boolean; frameId?: string };
      if (!isDefault || !frameId) return;
      this.#contexts.set(frameId, context.id);
      if (frameId === this.#mainFrame) this.#documents++;
      this.#rest.end();
    });
    page.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      for (const [frameId, id] of this.#contexts)
        if (id === executionContextId) this.#contexts.delete(frameId);
    });
    page.on('Runtime.executionContextsCleared', () => this.#contexts.clear());
    page.on('Page.windowOpen', ({ url }) =>
      this.#faults.note(`the page opened a window, which is refused: ${url}`),
    );
    page.on('Page.downloadWillBegin', ({ url }) => {
      this.#faults.note(`the page started a download, which is refused: ${url}`);
    });
    page.on('Network.responseReceived', ({ type, frameId, response }) => {
      if (type === 'Document' && frameId === this.#mainFrame) this.#documentStatus = response;
    });
  }

  async #load(): Promise<void> {
    const { timeouts } = this.#options.page;
    const url = address(this.#options.composition);
    const loaded = new Promise<void>((resolve) => this.page.once('Page.loadEventFired', () => resolve()));
    const { frameTree } = await this.#browser.guard(this.page.send('Page.getFrameTree'));
    this.#mainFrame = frameTree.frame.id;
    const load = async () => {
      const { errorText } = await this.page.send('Page.navigate', { url });
      if (errorText === 'net::ERR_INSUFFICIENT_RESOURCES')
        throw new BrowserCrashedError(`Chromium had no memory or disk left to load ${url}.`);
      if (errorText) throw this.#loadError(url, errorText);
      await loaded;
      await this.#quiet();
      const status = this.#documentStatus;
      if (status && status.status >= 400) throw this.#loadError(status.url, `HTTP ${status.status}`);
      await this.#awaitHelios();
    };
    await this.#inTime(this.ticker.while(load(), LOAD_TICK_MS), timeouts.load);
    this.check();

    await this.evaluateAll('window.__heliosInfra__?.startTimeline()');
    await this.step(0);
  }

  #loadError(url: string, reason: string): Error {
    const why = this.#browser.gate.whyFailed(url, reason);
    if (why instanceof BlockedRequestError) return this.#faults.blockedError(why);
    return new CompositionLoadError(`The page ${url} could not be loaded: ${why?.message ?? reason}.`, {
      cause: why,
      details: { url },
    });
  }

  async #awaitHelios(): Promise<void> {
    const patience = this.#options.lookForHelios;
    if (patience === undefined && this.#options.composition.kind === 'page') return;
    if (patience !== undefined && (await this.describe()).meta !== null) return;
    this.#endedAnimations = await awaitHelios(
      {
        isOver: () => this.#closed || this.#faults.threw,
        isNetworkIdle: () => this.network.idle,
        evaluate: (expression) => this.evaluate(expression),
        quiet: (ms) => this.#quiet(ms),
      },
      patience,
    );
  }

  /** Waits until nothing has been under way for a while. */
  async #quiet(ms = QUIET_MS): Promise<void> {
    for (let since = performance.now(); performance.now() - since < ms && !this.#closed; ) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5)));
      if (!this.network.idle) since = performance.now();
    }
  }

  async #evaluate<T>(expression: string, contextId: number | undefined): Promise<T> {
    const { result, exceptionDetails } = await this.page.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      ...(contextId === undefined ? {} : { contextId }),
    });
    if (exceptionDetails) {
      throw this.#faults.scriptError(
        exceptionDetails.exception?.description?.split('\n')[0] ?? exceptionDetails.text,
      );
    }
    return result.value as T;
  }

  async #inTime<T>(work: Promise<T>, ms: number): Promise<T> {
    return this.guard(work, ms, async () => {
      throw this.#faults.timeoutError(await this.#waitingFor(), ms);
    });
  }

  async #waitingFor(): Promise<string[]> {
    const inPage = this.#documentStatus ? await this.#pendingInPage() : [];
    if (inPage === undefined) return ["the page's script, which does not return"];
    const waits = [...inPage, ...this.network.pending];
    if (waits.length > 0) return waits;
    const noHelios = this.#options.composition.kind === 'helios' && this.#faults.frame === undefined;
    return [noHelios ? 'window.helios to appear' : 'the browser'];
  }

  /** What the page waits for; `undefined` when its script does not return. A page on its way answers nothing. */
  async #pendingInPage(): Promise<string[] | undefined> {
    const context = this.#contexts.get(this.#mainFrame);
    const asked = this.#evaluate<string[]>('__heliosInfra__.pending()', context).catch(() => []);
    const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1_000));
    return Promise.race([asked, late]);
  }
}
