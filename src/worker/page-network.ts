import type { Protocol } from 'devtools-protocol';
import type { DevToolsSession } from './devtools.ts';

type ResourceType = Protocol.Network.ResourceType;

/** A request of the page that brought nothing. */
export interface FailedRequest {
  readonly url: string;
  readonly type: ResourceType;
  /** HTTP status or network error. */
  readonly reason: string;
}

/** Requests that never end by design, or end when the element wants. */
const NEVER_AWAITED: ReadonlySet<string> = new Set<ResourceType>([
  'Media',
  'EventSource',
  'WebSocket',
  'Ping',
  'Prefetch',
]);

/** Kinds without which a frame is wrong. */
const ASSETS: ReadonlySet<string> = new Set<ResourceType>([
  'Document',
  'Stylesheet',
  'Image',
  'Media',
  'Font',
  'Script',
]);

/** Follows a page's requests: which are under way, which failed. */
export class PageNetwork implements Disposable {
  readonly #inFlight = new Map<string, { url: string; type: ResourceType }>();
  readonly #root: DevToolsSession;
  readonly #onTarget = ({ targetInfo }: Protocol.Target.TargetCreatedEvent): void => {
    if (targetInfo.type !== 'shared_worker') return;
    this.#sharedWorkers.add(targetInfo.url);
    this.#started(targetInfo);
  };
  readonly #sharedWorkers = new Set<string>();
  readonly #types = new Map<string, ResourceType>();
  #failed: FailedRequest[] = [];

  /** @param root of the browser, which alone is told of shared workers */
  constructor(page: DevToolsSession, root: DevToolsSession) {
    page.on('Network.requestWillBeSent', ({ requestId, request, type = 'Other' }) => {
      if (request.url.startsWith('data:') || this.#sharedWorkers.has(request.url)) return;
      this.#types.set(requestId, type);
      if (!NEVER_AWAITED.has(type)) this.#inFlight.set(requestId, { url: request.url, type });
    });
    // The end of a worker's script is told to the worker's own session.
    page.on('Target.attachedToTarget', ({ targetInfo }) => this.#started(targetInfo));
    root.on('Target.targetCreated', this.#onTarget);
    this.#root = root;
    page.on('Network.responseReceived', ({ requestId, response, type }) => {
      if (response.status >= 400) this.#fail(requestId, response.url, type, `HTTP ${response.status}`);
    });
    page.on('Network.loadingFinished', ({ requestId }) => this.#end(requestId));
    page.on('Network.loadingFailed', ({ requestId, type, errorText, canceled }) => {
      const url = this.#inFlight.get(requestId)?.url;
      this.#end(requestId);
      if (!canceled && url) this.#fail(requestId, url, type, errorText);
    });
  }

  /** Whether nothing that a frame waits for is under way. */
  get idle(): boolean {
    return this.#inFlight.size === 0;
  }

  get pending(): string[] {
    return [...this.#inFlight.values()].map(({ url }) => url);
  }

  /** Failures since the last call. */
  takeFailed(): FailedRequest[] {
    const failed = this.#failed;
    this.#failed = [];
    return failed;
  }

  [Symbol.dispose](): void {
    this.#root.off('Target.targetCreated', this.#onTarget);
  }

  #started(worker: Protocol.Target.TargetInfo): void {
    for (const [id, { url }] of this.#inFlight) if (url === worker.url) this.#end(id);
  }

  #fail(requestId: string, url: string, type: ResourceType, reason: string): void {
    if (url.endsWith('/favicon.ico')) return;
    this.#failed.push({ url, type: this.#types.get(requestId) ?? type, reason });
  }

  #end(requestId: string): void {
    this.#inFlight.delete(requestId);
    this.#types.delete(requestId);
  }
}

export function isAsset({ type }: FailedRequest): boolean {
  return ASSETS.has(type);
}
