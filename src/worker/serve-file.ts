import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
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

/** Answers a request for a path of a composition, with byte ranges. @param url path, query and fragment */
export async function serveFile(
  lookup: FileLookup,
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const found = await lookup(pathOf(url));
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
