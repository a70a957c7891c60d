import type { Agent, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Duplex, pipeline as pipe } from 'node:stream';
import { BlockedRequestError, PageLimitError } from '../utils/errors.ts';
import { type Endpoint, endpointOf, NetworkPolicy, nameOf } from '../utils/network-policy.ts';
import { http } from '../utils/node-http.ts';
import { RequestFailures } from './request-failures.ts';
import { type FileLookup, serveFile } from './serve-file.ts';

/** Where a page finds its bundle. */
export const COMPOSITION_HOST = 'composition.localhost';

const BUNDLE_ORIGIN = `http://${COMPOSITION_HOST}`;
/** From other hosts, to one page. */
const MAX_RECEIVED_BYTES = 2 * 1024 ** 3;
const MAX_HEADER_BYTES = 256 * 1024;
const MAX_BLOCKED = 100;
/** https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-authorization', 'proxy-authenticate'],
]);

/** Opens its connections as a policy allows. */
class PolicyAgent extends http.Agent {
  readonly #policy: NetworkPolicy;

  constructor(policy: NetworkPolicy) {
    super({ keepAlive: true });
    this.#policy = policy;
  }

  override createConnection(
    options: { host?: string; port?: number | string },
    done: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { host = '', port } = options;
    this.#policy.connect({ host, port: Number(port) }).then(
      (socket) => done(null, socket),
      (error: Error) => done(error, undefined as never),
    );
  }
}

/** One composition's turn at the gate; what a request of an earlier one comes to is of no matter to it. */
class Visit {
  readonly lookup: FileLookup;
  readonly policy: NetworkPolicy;
  readonly agent: PolicyAgent;
  received = 0;
  reachedOut = false;
  blocked: BlockedRequestError[] = [];
  readonly failures = new RequestFailures();

  constructor(lookup: FileLookup, policy: NetworkPolicy) {
    this.lookup = lookup;
    this.policy = policy;
    this.agent = new PolicyAgent(policy);
  }
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

/**
 * The proxy on loopback that a browser sends every request through. It gives out the composition's own files and
 * forwards to the hosts that a policy allows; everything else is refused and remembered.
 */
export class Gate implements AsyncDisposable {
  readonly port: number;
  /** Told once when a page has received too much. */
  onOverrun: (error: PageLimitError) => void = () => {};
  readonly #server: Server;
  readonly #maxBytes: number;
  #visit = new Visit(async () => undefined, new NetworkPolicy({ allowHosts: [] }));
  readonly #tunnels = new Set<Duplex>();

  private constructor(server: Server, maxBytes: number) {
    this.#server = server;
    this.#maxBytes = maxBytes;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    server.on('connect', (request, socket, head) => {
      this.#tunnel(request.url ?? '', socket, head).catch(() => socket.destroy());
    });
  }

  /** @param maxBytes that one page may receive from other hosts; @default 2 GiB */
  static async listen(maxBytes = MAX_RECEIVED_BYTES): Promise<Gate> {
    const server = http.createServer({ keepAliveTimeout: 60_000, maxHeaderSize: MAX_HEADER_BYTES });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new this(server, maxBytes);
  }

  /** Begins anew: with another composition's files, and the hosts that it may reach. */
  serve(lookup: FileLookup, policy: NetworkPolicy): void {
    this.#visit.agent.destroy();
    for (const socket of this.#tunnels) socket.destroy();
    this.#visit = new Visit(lookup, policy);
  }

  /** Whether the page asked another host for anything that it was allowed to. */
  get reachedOut(): boolean {
    return this.#visit.reachedOut;
  }

  /** The requests that were refused since the last call, at most 100. */
  takeBlocked(): readonly BlockedRequestError[] {
    const { blocked } = this.#visit;
    this.#visit.blocked = [];
    return blocked;
  }

  /** Why a request did not get through, if that was so. @param told what the browser says of it */
  whyFailed(url: string, told: string): Error | undefined {
    return this.#visit.failures.take(url, told);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    const [origin = ''] = /^http:\/\/[^/?#\\]*/i.exec(url) ?? [];
    if (!URL.canParse(origin)) {
      response.writeHead(400).end();
      return;
    }
    const path = url.slice(origin.length);
    if (origin.toLowerCase() === BUNDLE_ORIGIN) await serveFile(this.#visit.lookup, path, request, response);
    else await this.#forward(endpointOf(origin), path, request, response);
  }

  async #forward(
    endpoint: Endpoint,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const visit = this.#visit;
    try {
      visit.policy.check(endpoint);
      // A host that can't be reached now may be later.
      visit.reachedOut = true;
      const answer = await this.#send(visit.agent, endpoint, path, request, response);
      response.sendDate = false;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
      answer.on('data', (piece: Buffer) => this.#count(visit, piece));
      pipe(answer, response, () => {});
    } catch (error) {
      const url = new URL(`http://${nameOf(endpoint)}${path}`).href;
      const status = this.#refuse(visit, url, url, error as Error);
      response.writeHead(status, { 'content-type': 'text/plain' }).end();
    }
  }

  #send(
    agent: Agent,
    { host, port }: Endpoint,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const upstream = http.request({
        agent,
        host,
        port,
        path: path.startsWith('/') ? path : `/${path}`,
        method: request.method,
        headers: endToEnd(request.rawHeaders),
        setHost: false,
        maxHeaderSize: MAX_HEADER_BYTES,
        insecureHTTPParser: true,
      });
      upstream.once('response', resolve);
      upstream.once('upgrade', (_, socket) => {
        socket.destroy();
        reject(new Error('the server changed the protocol unasked'));
      });
      upstream.once('error', reject);
      response.once('close', () => upstream.destroy());
      pipe(request, upstream, () => {});
    });
  }

  async #tunnel(authority: string, socket: Duplex, head: Buffer): Promise<void> {
    this.#keep(socket);
    const visit = this.#visit;
    const endpoint = endpointOf(`https://${authority}`);
    let upstream: Socket;
    try {
      visit.policy.check(endpoint);
      visit.reachedOut = true;
      upstream = await visit.policy.connect(endpoint);
    } catch (error) {
      const url = new URL(`https://${authority}/`).href;
      const status = this.#refuse(visit, nameOf(endpoint), url, error as Error);
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    this.#keep(upstream);
    if (socket.destroyed) {
      upstream.destroy();
      return;
    }
    socket.write('HTTP/1.1 200 Connected\r\n\r\n');
    upstream.write(head);
    upstream.on('data', (piece: Buffer) => this.#count(visit, piece));
    pipe(socket, upstream, socket, () => {});
  }

  #keep(socket: Duplex): void {
    this.#tunnels.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#tunnels.delete(socket));
  }

  /** @param address that `whyFailed` will be asked for @returns the HTTP status that tells it */
  #refuse(visit: Visit, address: string, url: string, error: Error): 403 | 502 {
    const { blocked, failures } = visit;
    if (!(error instanceof BlockedRequestError)) {
      failures.add(address, error);
      return 502;
    }
    const told = new BlockedRequestError(error.message, {
      details: { url, ...error.details },
    });
    failures.add(address, told);
    if (blocked.length < MAX_BLOCKED) blocked.push(told);
    return 403;
  }

  #count(visit: Visit, piece: Buffer): void {
    const before = visit.received;
    visit.received += piece.length;
    const isOver = before <= this.#maxBytes && visit.received > this.#maxBytes;
    if (!isOver || visit !== this.#visit) return;
    this.onOverrun(
      new PageLimitError(
        `The page received more than ${this.#maxBytes} bytes from other hosts. Put large files into the composition's folder.`,
        { details: { limit: 'network', bytes: this.#maxBytes } },
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#visit.agent.destroy();
    for (const socket of this.#tunnels) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
