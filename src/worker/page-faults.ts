import type { CDPSession } from 'puppeteer-core';
import type { PageOptions } from '../types/render-job.ts';
import {
  AssetError,
  CompositionLoadError,
  FrameTimeoutError,
  PageScriptError,
  WebGLError,
} from '../utils/errors.ts';
import type { Problem } from './page/page-state.ts';
import { isAsset, type PageNetwork } from './page-network.ts';

const MAX_WARNINGS = 100;

/** Gathers what goes wrong in a page, and turns it into errors and warnings that name the frame. */
export class PageFaults {
  /** The frame that the page stands at; `undefined` while it loads. */
  frame: number | undefined;
  readonly warnings: string[] = [];
  readonly #network: PageNetwork;
  readonly #onAssetError: PageOptions['onAssetError'];
  readonly #exceptions: string[] = [];

  constructor(page: CDPSession, network: PageNetwork, onAssetError: PageOptions['onAssetError']) {
    this.#network = network;
    this.#onAssetError = onAssetError;
    page.on('Runtime.exceptionThrown', ({ exceptionDetails }) => {
      const { exception, text, url, lineNumber } = exceptionDetails;
      const what = exception?.description?.split('\n')[0] ?? `${text} ${exception?.value ?? ''}`.trim();
      this.#exceptions.push(url ? `${what} (${url}:${lineNumber + 1})` : what);
    });
    page.on('Runtime.consoleAPICalled', ({ type, args }) => {
      if (type !== 'error' && type !== 'assert') return;
      this.#warn(`console.${type}: ${args.map((arg) => arg.value ?? arg.description ?? arg.type).join(' ')}`);
    });
  }

  /** Whether the page's script has thrown. */
  get threw(): boolean {
    return this.#exceptions.length > 0;
  }

  /** @throws CompositionLoadError, PageScriptError, AssetError when the page failed since the last check */
  check(): void {
    const [exception] = this.#exceptions;
    if (exception !== undefined) {
      const Failure = this.frame === undefined ? CompositionLoadError : PageScriptError;
      throw new Failure(`The page's script failed ${this.#when()}: ${exception}`, {
        details: this.#details(),
      });
    }
    for (const failed of this.#network.takeFailed()) {
      const { url, reason } = failed;
      const what = `could not load the ${failed.type.toLowerCase()} ${url} (${reason})`;
      if (isAsset(failed)) this.#asset(what, { url, reason });
      else this.#warn(what);
    }
  }

  /** @throws WebGLError, AssetError */
  report({ kind, message }: Problem): void {
    if (kind === 'media') this.#asset(message, {});
    else throw new WebGLError(`WebGL failed ${this.#when()}: ${message}.`, { details: this.#details() });
  }

  /** An exception that ended one of our own calls into the page. */
  scriptError(what: string): PageScriptError {
    return new PageScriptError(`The page's script failed ${this.#when()}: ${what}`, {
      details: this.#details(),
    });
  }

  timeoutError(waitingFor: readonly string[], timeoutMs: number): FrameTimeoutError {
    return new FrameTimeoutError(
      `After ${timeoutMs} ms ${this.#when()} still waited for ${waitingFor.join(', ')}. Mend the page, or allow more time (timeouts).`,
      { details: { ...this.#details(), waitingFor, timeoutMs } },
    );
  }

  #asset(message: string, details: Record<string, unknown>): void {
    if (this.#onAssetError === 'warn') {
      this.#warn(message);
      return;
    }
    const subject = this.frame === undefined ? 'The page, while it loaded,' : `Frame ${this.frame}`;
    throw new AssetError(`${subject} ${message}. Mend the reference, or render with onAssetError "warn".`, {
      details: { ...this.#details(), ...details },
    });
  }

  #warn(message: string): void {
    const text = `${this.#when()}: ${message}`;
    if (this.warnings.length < MAX_WARNINGS && !this.warnings.includes(text)) this.warnings.push(text);
  }

  #when(): string {
    return this.frame === undefined ? 'while the page loaded' : `at frame ${this.frame}`;
  }

  #details(): Record<string, unknown> {
    return this.frame === undefined ? {} : { frame: this.frame };
  }
}
