import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** A file that the server gives out. */
export interface ServedFile {
  readonly file: string;
  readonly size: number;
  readonly contentType: string;
}

/** Finds the file of a path without its leading slash. */
export type FileLookup = (path: string) => Promise<ServedFile | undefined>;

/** First and last byte of a single-range header; `undefined` for the whole file, `null` when it can't be met. */
function parseRange(header: string | undefined, size: number): readonly [number, number] | undefined | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, from, to] = match;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first > last || first >= size ? null : [first, last];
}

/** The path that a request names; one with escapes that mean nothing, such as `100%.png`, is taken as it stands. */
function pathOf(url: string): string {
  const [path = ''] = url.slice(1).split(/[?#]/);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Serves one composition at a time on loopback, with byte ranges. */
export class CompositionServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  #lookup: FileLookup = async () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async listen(): Promise<CompositionServer> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new CompositionServer(server);
  }

  serve(lookup: FileLookup): void {
    this.#lookup = lookup;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const found = await this.#lookup(pathOf(request.url ?? '/'));
    if (!found) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not in the bundle');
      return;
    }
    const { size } = found;
    const range = parseRange(request.headers.range, size);
    const headers = {
      'content-type': found.contentType,
      'accept-ranges': 'bytes',
      'cache-control': 'no-cache',
    };
    if (range === null) {
      response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
      return;
    }
    const [first, last] = range ?? [0, size - 1];
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'content-length': last - first + 1,
      ...(range ? { 'content-range': `bytes ${first}-${last}/${size}` } : {}),
    });
    if (request.method === 'HEAD' || size === 0) response.end();
    else await pipeline(createReadStream(found.file, { start: first, end: last }), response).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
