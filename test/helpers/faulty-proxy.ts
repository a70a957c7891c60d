import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What becomes of a request. */
export type ProxyFault =
  /** Refused before any instance sees it, as Cloud Run's front end does. */
  | { readonly status: number; readonly retryAfter?: string }
  /** The connection ends before the request is passed on. */
  | 'drop'
  /** The request is done, and the connection ends before its answer. */
  | 'drop answer'
  /** The answer ends half way. */
  | 'cut'
  /** No answer. */
  | 'hang';

/** Called with the number of the request, from 1. */
export type ProxyFaults = (number: number) => ProxyFault | undefined;

/** Stands before instances as Cloud Run does: passes each request to the next one that is alive, or spoils it. */
export class FaultyProxy implements AsyncDisposable {
  requests = 0;
  atWork = 0;
  mostAtWork = 0;
  /** What has befallen requests: a fault by its name or status, or the code of a connection that an instance broke. */
  readonly befallen: (string | number)[] = [];
  faults: ProxyFaults = () => undefined;
  /** Addresses of the instances. */
  instances: string[];
  readonly #server: Server;

  private constructor(server: Server, instances: string[]) {
    this.#server = server;
    this.instances = instances;
  }

  static async open(...instances: string[]): Promise<FaultyProxy> {
    const self: FaultyProxy = new FaultyProxy(
      createServer((incoming, outgoing) => void self.#serve(incoming, outgoing)),
      instances,
    );
    self.#server.listen(0, '127.0.0.1');
    await once(self.#server, 'listening');
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const number = ++this.requests;
    const fault = this.faults(number);
    const body = await buffer(incoming).catch(() => undefined);
    if (!body || fault === 'hang') return;
    if (fault === 'drop') {
      this.befallen.push(fault);
      return void incoming.socket.destroy();
    }
    if (typeof fault === 'object') {
      this.befallen.push(fault.status);
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
      return void outgoing.writeHead(fault.status, headers).end('Rate exceeded.');
    }
    this.mostAtWork = Math.max(this.mostAtWork, ++this.atWork);
    outgoing.once('close', () => this.atWork--);
    const target = this.instances[number % this.instances.length] as string;
    const passed = request(`${target}${incoming.url}`, {
      method: 'POST',
      headers: incoming.headers,
      agent: false,
    });
    outgoing.once('close', () => passed.destroy());
    passed.once('error', (error: NodeJS.ErrnoException) => {
      this.befallen.push(error.code ?? error.message);
      // An instance that is gone gets no more requests; one that broke off leaves the caller without an answer.
      this.instances = this.instances.filter(
        (instance) => instance !== target || this.instances.length === 1,
      );
      incoming.socket.destroy();
    });
    passed.once('response', async (answer) => {
      const bytes = await buffer(answer).catch(() => undefined);
      if (bytes && typeof fault === 'string') this.befallen.push(fault);
      if (!bytes || fault === 'drop answer') return void incoming.socket.destroy();
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      if (fault !== 'cut') return void outgoing.end(bytes);
      outgoing.write(bytes.subarray(0, bytes.length >> 1), () => incoming.socket.destroy());
    });
    passed.end(body);
  }
}
