import type { PageOptions } from '../types/render-job.ts';
import {
  AssetError,
  BlockedRequestError,
  CompositionLoadError,
  FrameTimeoutError,
  PageScriptError,
  WebGLError,
} from '../utils/errors.ts';
import type { DevToolsSession } from './devtools.ts';
import type { Gate } from './gate.ts';
import type { Problem } from './page/page-state.ts';
import { isAsset, type PageNetwork } from './page-network.ts';

const MAX_WARNINGS = 100;
const MAX_TEXT = 2_000;
const MAX_WAITS = 10;

/** Gathers what goes wrong in a page, and turns it into errors and warnings that name the frame. */
export class PageFaults {
  /** The frame that the page stands at; `undefined` while it loads. */
  frame: number | undefined;
  readonly warnings: string[] = [];
  readonly #network: PageNetwork;
  readonly #gate: Gate;
  readonly #onAssetError: PageOptions['onAssetError'];
  /** The first one; a page may throw without an end. */
  #exception: string | undefined;

  constructor(
    page: DevToolsSession,
    network: PageNetwork,
    gate: Gate,
    onAssetError: PageOptions['onAssetError'],
  ) {
    this.#network = network;
    this.#gate = gate;
    this.#onAssetError = onAssetError;
    page.on('Runtime.exceptionThrown', ({ exceptionDetails }) => {
      const { exception, text, url, lineNumber } = exceptionDetails;
      const what = exception?.description?.split('\n')[0] ?? `${text} ${exception?.value ?? ''}`.trim();
      this.#exception ??= shorten(url ? `${what} (${url}:${lineNumber + 1})` : what);
    });
    page.on('Runtime.consoleAPICalled', ({ type, args }) => {
      if (type !== 'error' && type !== 'assert') return;
      this.#warn(`console.${type}: ${args.map((arg) => arg.value ?? arg.description ?? arg.type).join(' ')}`);
    });
  }

  /** What the page tried in vain, and goes on without. */
  note(what: string): void {
    this.#warn(what);
  }

  /** Whether the page's script has thrown. */
  get threw(): boolean {
    return this.#exception !== undefined;
  }

  /**
   * @throws CompositionLoadError, PageScriptError, BlockedRequestError, AssetError when the page failed since the
   *   last check
   */
  check(): void {
    for (const blocked of this.#gate.takeBlocked()) this.#block(this.blockedError(blocked));
    const exception = this.#exception;
    if (exception !== undefined) {
      const Failure = this.frame === undefined ? CompositionLoadError : PageScriptError;
      throw new Failure(`The page's script failed ${this.#when()}: ${exception}`, {
        details: this.#details(),
      });
    }
    for (const failed of this.#network.takeFailed()) {
      const { url } = failed;
      const why = this.#gate.whyFailed(url, failed.reason);
      if (why instanceof BlockedRequestError) continue;
      const reason = why?.message ?? failed.reason;
      const what = `could not load the ${failed.type.toLowerCase()} ${url} (${reason})`;
      if (url.startsWith('file:')) {
        const details = { url: shorten(url) };
        this.#block(this.blockedError(new BlockedRequestError('it is a file of this machine', { details })));
      } else if (isAsset(failed)) this.#asset(what, { url, reason });
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

  timeoutError(waits: readonly string[], timeoutMs: number): FrameTimeoutError {
    const waitingFor = [...new Set(waits)].slice(0, MAX_WAITS).map(shorten);
    return new FrameTimeoutError(
      `After ${timeoutMs} ms ${this.#when()} still waited for ${waitingFor.join(', ')}. Mend the page, or allow more time (timeouts).`,
      { details: { ...this.#details(), waitingFor, timeoutMs } },
    );
  }

  /** A refused request, with the frame at which the page made it. */
  blockedError({ message, details }: BlockedRequestError): BlockedRequestError {
    return new BlockedRequestError(
      `The page asked for ${details.url} ${this.#when()}, which a composition may not reach: ${message}. Put what it needs into the composition's folder, or render with onAssetError "warn" to go on without.`,
      { details: { ...this.#details(), ...details } },
    );
  }

  #block(error: BlockedRequestError): void {
    if (this.#onAssetError === 'fail') throw error;
    this.#warn(error.message);
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
    const text = shorten(`${this.#when()}: ${message}`);
    if (this.warnings.length < MAX_WARNINGS && !this.warnings.includes(text)) this.warnings.push(text);
  }

  #when(): string {
    return this.frame === undefined ? 'while the page loaded' : `at frame ${this.frame}`;
  }

  #details(): Record<string, unknown> {
    return this.frame === undefined ? {} : { frame: this.frame };
  }
}

/** A page's own words as one line that does no harm to a terminal or a log. */
function shorten(text: string): string {
  const line = text.slice(0, MAX_TEXT).replaceAll(/\p{Cc}+/gu, ' ');
  return text.length > MAX_TEXT ? `${line}…` : line;
}
