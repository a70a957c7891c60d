import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { throwIfAborted } from '../utils/abort.ts';
import { AudioError, BlockedRequestError } from '../utils/errors.ts';
import { toWriteError } from '../utils/fs-errors.ts';
import { endpointOf, type NetworkPolicy } from '../utils/network-policy.ts';
import { http } from '../utils/node-http.ts';

const MAX_REDIRECTS = 10;
const MAX_BYTES = 1024 ** 3;
const MAX_MS = 300_000;
const MAX_SILENCE_MS = 30_000;

export interface FetchSoundOptions {
  readonly policy: NetworkPolicy;
  /** Where the file goes. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  /** Of the sound. @default 1 GiB */
  readonly maxBytes?: number;
  /** Longest wait for the whole sound, in milliseconds. @default 300000 */
  readonly maxMs?: number;
}

function failed(url: string, what: string, cause?: unknown): AudioError {
  return new AudioError(
    `The sound ${url} could not be fetched: ${what}. Mend the reference, or put the file into the composition's folder.`,
    { cause, details: { url } },
  );
}

async function get(url: string, policy: NetworkPolicy, signal: AbortSignal): Promise<IncomingMessage> {
  const endpoint = endpointOf(url);
  const { protocol, hostname } = new URL(url);
  const socket = await policy.connect(endpoint);
  return new Promise((resolve, reject) => {
    const secure = protocol === 'https:';
    const request = secure ? requestHttps : http.request;
    const createConnection = () => (secure ? connectTls({ socket, servername: hostname }) : socket);
    request(url, { createConnection, signal, timeout: MAX_SILENCE_MS })
      .on('timeout', function (this: ReturnType<typeof request>) {
        this.destroy(new Error(`nothing came for ${MAX_SILENCE_MS / 1000} s`));
      })
      .on('error', reject)
      .on('response', resolve)
      .end();
  });
}

/** Follows redirects, each of which is checked like the first address. */
async function follow(url: string, policy: NetworkPolicy, signal: AbortSignal): Promise<IncomingMessage> {
  for (let at = url, redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await get(at, policy, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    const { location } = headers;
    if (statusCode < 300 || statusCode >= 400 || location === undefined)
      throw failed(at, `HTTP ${statusCode}`);
    if (!URL.canParse(location, at)) throw failed(at, `it leads to ${location}, which is no address`);
    at = new URL(location, at).href;
    if (!/^https?:/.test(at)) throw failed(url, `it leads to ${at}`);
  }
  throw failed(url, `more than ${MAX_REDIRECTS} redirects`);
}

/**
 * Fetches a sound from an allowed host into a file.
 * @throws BlockedRequestError, AudioError, DiskFullError, OutputError, AbortedError
 */
export async function fetchSound(url: string, options: FetchSoundOptions): Promise<string> {
  const { policy, folder, signal, maxBytes = MAX_BYTES, maxMs = MAX_MS } = options;
  const overdue = AbortSignal.timeout(maxMs);
  const either = signal ? AbortSignal.any([signal, overdue]) : overdue;
  const file = path.join(folder, randomUUID());
  const target = createWriteStream(file);
  let writing: unknown;
  target.once('error', (error) => {
    writing = error;
  });
  async function* bounded(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const piece of pieces) {
      bytes += piece.length;
      if (bytes > maxBytes) throw failed(url, `it is larger than ${maxBytes} bytes`);
      yield piece;
    }
  }
  try {
    await pipeline(await follow(url, policy, either), bounded, target, { signal: either });
    return file;
  } catch (error) {
    target.destroy();
    throwIfAborted(signal);
    if (overdue.aborted) throw failed(url, `it took longer than ${maxMs / 1000} s`, error);
    if (error instanceof BlockedRequestError) {
      throw new BlockedRequestError(
        `The sound ${url} leads to where a composition may not reach: ${error.message}. Put the file into the composition's folder.`,
        { cause: error, details: { url, ...error.details } },
      );
    }
    if (error instanceof AudioError) throw error;
    if (writing !== undefined && writing === error) throw toWriteError(error, file);
    throw failed(url, (error as Error).message, error);
  }
}
