import { rm } from 'node:fs/promises';
import { onAbort, throwIfAborted } from '../utils/abort.ts';
import { BrowserCrashedError, type ErrorDetails, HeliosError, KitError } from '../utils/errors.ts';
import { isAlive } from '../utils/process-tag.ts';
import { createWorkFolder, type WorkFolder } from '../utils/work-folder.ts';
import { type BrowserKind, type CaptureMode, chromiumFlags } from './chromium-flags.ts';
import { ChromiumProcess } from './chromium-process.ts';
import type { DevToolsSession } from './devtools.ts';
import { followWorkers } from './follow-workers.ts';
import { Gate } from './gate.ts';
import { type Kit, openKit } from './kit.ts';
import { PictureMemory } from './picture-memory.ts';
import { watchResources } from './resource-watch.ts';

const LAUNCHES = 2;
const LAUNCH_MS = 30_000;
const ANSWER_MS = 10_000;

/** Set when a browser could not copy itself, or may not have been able to. */
let copiesFailed = false;

/** Whether a browser is to make its pages' processes by copying itself; in a Lambda function it has few pages. */
const makesCopies = (): boolean => !copiesFailed && process.env.AWS_LAMBDA_FUNCTION_NAME === undefined;

/** A running Chromium, and the gate that all its requests go through. */
export class Browser implements AsyncDisposable {
  readonly mode: CaptureMode;
  readonly scale: number;
  readonly root: DevToolsSession;
  readonly gate: Gate;
  readonly pictureMemory: PictureMemory;
  readonly #chromium: ChromiumProcess;
  readonly #profile: WorkFolder;
  readonly #watch: Disposable;
  #crash: HeliosError | undefined;
  #hadPage = false;
  readonly #guarded = new Set<(crash: HeliosError) => void>();
  #drawingProcess: number | undefined;
  /** Set when a page may still be busy in it: it is not lent again. */
  doubtful = false;
  #closing = false;

  private constructor(
    kind: BrowserKind,
    gate: Gate,
    chromium: ChromiumProcess,
    profile: WorkFolder,
    pictureMemory: PictureMemory,
  ) {
    this.pictureMemory = pictureMemory;
    this.mode = kind.mode;
    this.scale = kind.scale ?? 1;
    this.gate = gate;
    gate.onOverrun = (error) => this.stop(error);
    this.#chromium = chromium;
    this.#profile = profile;
    const { devTools, pid, exited } = chromium;
    this.root = devTools.root;
    this.#watch = watchResources({ pid, stop: (error) => this.stop(error) });
    const onEnd = () => this.#fail('Chromium ended while it was rendering.', {});
    exited.then(onEnd);
    devTools.onEnd = onEnd;
    devTools.onOversized = (error) => this.stop(error);
    this.root.on('Target.targetCrashed', ({ status }) => {
      this.#fail("Chromium's process of the page ended while it was rendering.", { status });
    });
  }

  #fail(what: string, details: ErrorDetails): void {
    this.#end(new BrowserCrashedError(`${what} It may have been killed, or out of memory.`, { details }));
  }

  #end(crash: HeliosError): void {
    if (this.#closing || this.#crash) return;
    this.#crash = crash;
    copiesFailed ||= !this.#hadPage;
    for (const reject of this.#guarded) reject(crash);
    this.#guarded.clear();
  }

  /** Ends the browser at once; every wait for it rejects with `error`. */
  stop(error: HeliosError): void {
    this.#end(error);
    this.kill();
  }

  /** @throws AbortedError as soon as the signal fires */
  static async launch(kind: BrowserKind, signal?: AbortSignal): Promise<Browser> {
    const kit = await openKit();
    for (let attempt = 1; ; attempt++) {
      throwIfAborted(signal);
      const gate = await Gate.listen();
      try {
        return await Browser.#launch(kind, gate, kit, makesCopies(), signal);
      } catch (cause) {
        await gate[Symbol.asyncDispose]();
        throwIfAborted(signal);
        copiesFailed = true;
        if (cause instanceof HeliosError) throw cause;
        // A browser can be killed while it starts, as another can later; or the system lets it make no copies of itself.
        if (attempt < LAUNCHES) continue;
        throw new KitError(`Chromium does not start (${kit.chromiumPath}). Run helios-infra doctor.`, {
          cause,
          details: { chromium: kit.chromiumPath },
        });
      }
    }
  }

  static async #launch(
    kind: BrowserKind,
    gate: Gate,
    kit: Kit,
    zygote: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Browser> {
    const profile = await createWorkFolder('browser');
    let chromium: ChromiumProcess | undefined;
    let timer: NodeJS.Timeout | undefined;
    let off = (): void => {};
    try {
      const flags = chromiumFlags(kind, { proxyPort: gate.port, profile: profile.path, zygote });
      const env = { ...kit.env, TMPDIR: profile.path };
      const started = await ChromiumProcess.start(kit.chromiumPath, flags, env);
      chromium = started;
      const pictureMemory = new PictureMemory();
      if (kind.pictures) pictureMemory.prepare(kind.pictures.size, kind.pictures.format);
      timer = setTimeout(() => started.kill(), LAUNCH_MS);
      off = onAbort(signal, () => started.kill());
      const { root } = started.devTools;
      await root.send('Target.setDiscoverTargets', { discover: true });
      // They belong to no page's session.
      await followWorkers(root, [{ type: 'shared_worker' }]);
      return new Browser(kind, gate, started, profile, pictureMemory);
    } catch (error) {
      chromium?.kill();
      await chromium?.exited;
      await profile[Symbol.asyncDispose]();
      throw error;
    } finally {
      clearTimeout(timer);
      off();
    }
  }

  get pid(): number {
    return this.#chromium.pid;
  }

  get alive(): boolean {
    return !this.#crash && !this.#closing;
  }

  /** Takes note that a page's process answers: the browser can make some. */
  notePage(): void {
    this.#hadPage = true;
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
   * Checks that the process that draws is still the first one. A browser starts another by itself, but canvases are
   * blank then and WebGL contexts lost.
   * @throws BrowserCrashedError
   */
  async checkProcesses(): Promise<void> {
    const { processInfo } = await this.within(ANSWER_MS, this.root.send('SystemInfo.getProcessInfo'));
    const id = processInfo.find(({ type }) => type === 'GPU')?.id;
    this.#drawingProcess ??= id;
    if (id === this.#drawingProcess && (id === undefined || isAlive(id))) return;
    this.#fail("Chromium's drawing process ended while it was rendering.", {});
    if (this.#crash) throw this.#crash;
  }

  /** The process that draws, if Chromium has one for that. */
  async drawingProcess(): Promise<number | undefined> {
    if (this.#drawingProcess === undefined) await this.checkProcesses();
    return this.#drawingProcess;
  }

  /** Ends the browser and all its processes at once. */
  kill(): void {
    this.#chromium.kill();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#watch[Symbol.dispose]();
    // It keeps nothing that is worth an orderly end.
    this.kill();
    await this.#chromium.exited;
    await this.gate[Symbol.asyncDispose]();
    await rm(this.#profile.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
