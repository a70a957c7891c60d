import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { CRC32C } from '@google-cloud/storage';

/** What goes wrong with a request. */
export type GcsFault =
  /** An error's answer of that status. */
  | number
  /** The connection ends before the request is looked at. */
  | 'reset'
  /** The request is done, and its answer is lost. */
  | 'lost answer'
  /** The answer ends half way. */
  | 'cut'
  /** One byte of the answer's body is another. */
  | 'flip';

/** Called with `<method> <path and query>` of each request, and its number, from 1. */
export type GcsFaults = (request: string, number: number) => GcsFault | undefined;

interface StoredObject {
  readonly bytes: Buffer;
  readonly generation: string;
  readonly updated: string;
  readonly contentType: string;
  readonly metadata?: Record<string, string>;
  readonly crc32c: string;
  readonly md5Hash: string;
}

interface Session {
  readonly bucket: string;
  readonly query: URLSearchParams;
  readonly resource: ObjectResource;
  readonly parts: Buffer[];
}

interface ObjectResource {
  readonly name?: string;
  readonly contentType?: string;
  readonly metadata?: Record<string, string>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | object;
}

const MAX_PAGE = 1000;

function crc32c(bytes: Buffer): string {
  const crc = new CRC32C();
  crc.update(bytes);
  return crc.toString();
}

function failure(status: number, reason: string): Answer {
  return {
    status,
    body: { error: { code: status, message: reason, errors: [{ reason, message: reason }] } },
  };
}

/** The parts of the JSON API of Cloud Storage that the client uses, over HTTP on loopback, in memory. */
export class TestGcs implements AsyncDisposable {
  requests = 0;
  pageSize = MAX_PAGE;
  faults: GcsFaults = () => undefined;
  readonly buckets = new Map<string, Map<string, StoredObject>>();
  readonly #sessions = new Map<string, Session>();
  readonly #server: Server;
  #generation = 1_700_000_000_000_000;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Points the client of this process at it until it is disposed of. */
  static async open(...buckets: string[]): Promise<TestGcs> {
    const self: TestGcs = new TestGcs(
      createServer((request, response) => void self.#serve(request, response)),
    );
    for (const name of buckets) self.buckets.set(name, new Map());
    self.#server.listen(0, '127.0.0.1');
    await once(self.#server, 'listening');
    process.env.STORAGE_EMULATOR_HOST = self.endpoint;
    return self;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    delete process.env.STORAGE_EMULATOR_HOST;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.faults(`${request.method} ${request.url}`, ++this.requests);
    if (fault === 'reset') return void request.socket.destroy();
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const answer = typeof fault === 'number' ? failure(fault, 'fault') : this.#answer(request, body);
    if (fault === 'lost answer') return void request.socket.destroy();
    const json = answer.body !== undefined && !Buffer.isBuffer(answer.body);
    const bytes = json
      ? Buffer.from(JSON.stringify(answer.body))
      : ((answer.body as Buffer) ?? Buffer.alloc(0));
    if (fault === 'flip' && bytes.length > 0) bytes[0] = (bytes[0] as number) ^ 1;
    response.writeHead(answer.status, {
      ...(json ? { 'content-type': 'application/json' } : {}),
      ...answer.headers,
      'content-length': bytes.length,
    });
    if (fault !== 'cut') return void response.end(bytes);
    response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.destroy());
  }

  #answer({ method = '', url = '', headers }: IncomingMessage, body: Buffer): Answer {
    const { pathname, searchParams: query } = new URL(url, this.endpoint);
    const [, upload, bucketName = '', , name, ...rest] =
      /^(\/upload)?(?:\/storage\/v1)?\/b\/([^/]+)\/o(\/([^/]+)(?:\/rewriteTo\/b\/[^/]+\/o\/([^/]+))?)?$/.exec(
        pathname,
      ) ?? [];
    const bucket = this.buckets.get(decodeURIComponent(bucketName));
    if (!bucket) return failure(404, 'notFound');
    if (upload || pathname.startsWith('/upload'))
      return this.#upload(bucketName, query, method, headers, body);
    if (name === undefined) return this.#list(bucket, query);
    const key = decodeURIComponent(name);
    const found = bucket.get(key);
    const wanted = query.get('generation');
    if (!found || (wanted && wanted !== found.generation)) return failure(404, 'notFound');
    if (rest[0] !== undefined) {
      const copy = this.#store(bucket, decodeURIComponent(rest[0]), found);
      return { status: 200, body: { done: true, resource: resourceOf(key, copy) } };
    }
    if (method === 'DELETE') {
      bucket.delete(key);
      return { status: 204 };
    }
    return query.get('alt') === 'media'
      ? media(found, headers.range)
      : { status: 200, body: resourceOf(key, found) };
  }

  #list(bucket: Map<string, StoredObject>, query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('pageToken') ?? '';
    const keys = [...bucket.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .filter((key) => after === '' || Buffer.compare(Buffer.from(key), Buffer.from(after, 'base64')) > 0);
    const page = keys.slice(0, this.pageSize);
    const items = page.map((key) => resourceOf(key, bucket.get(key) as StoredObject));
    const more = keys.length > page.length;
    const nextPageToken = more ? Buffer.from(page.at(-1) ?? '').toString('base64') : undefined;
    return { status: 200, body: { items, nextPageToken } };
  }

  #upload(
    bucketName: string,
    query: URLSearchParams,
    method: string,
    headers: IncomingMessage['headers'],
    body: Buffer,
  ): Answer {
    const id = query.get('upload_id');
    if (query.get('uploadType') === 'multipart') {
      const { resource, bytes } = readMultipart(String(headers['content-type']), body);
      return this.#finish({ bucket: bucketName, query, resource, parts: [bytes] });
    }
    if (id === null && method === 'POST') {
      const made = randomUUID();
      const resource = (body.length > 0 ? JSON.parse(body.toString('utf8')) : {}) as ObjectResource;
      this.#sessions.set(made, { bucket: bucketName, query, resource, parts: [] });
      const location = `${this.endpoint}/upload/storage/v1/b/${bucketName}/o?uploadType=resumable&upload_id=${made}`;
      return { status: 200, headers: { location } };
    }
    const session = this.#sessions.get(id ?? '');
    if (!session) return failure(404, 'notFound');
    const [, from, , total] =
      /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(String(headers['content-range'])) ?? [];
    const have = session.parts.reduce((sum, part) => sum + part.length, 0);
    // What was lost on the way back is sent again: only what is new counts.
    if (from !== undefined && Number(from) <= have) session.parts.push(body.subarray(have - Number(from)));
    const size = session.parts.reduce((sum, part) => sum + part.length, 0);
    if (total !== '*' && size >= Number(total)) return this.#finish(session);
    return { status: 308, headers: size > 0 ? { range: `bytes=0-${size - 1}` } : {} };
  }

  #finish({ bucket: bucketName, query, resource, parts }: Session): Answer {
    const bucket = this.buckets.get(bucketName) as Map<string, StoredObject>;
    const key = query.get('name') ?? resource.name ?? '';
    const match = query.get('ifGenerationMatch');
    if (match !== null && match !== (bucket.get(key)?.generation ?? '0'))
      return failure(412, 'conditionNotMet');
    const { contentType = 'application/octet-stream', metadata } = resource;
    const stored = this.#store(bucket, key, {
      bytes: Buffer.concat(parts),
      contentType,
      ...(metadata ? { metadata } : {}),
    });
    return { status: 200, body: resourceOf(key, stored) };
  }

  #store(
    bucket: Map<string, StoredObject>,
    key: string,
    object: Pick<StoredObject, 'bytes' | 'contentType' | 'metadata'>,
  ): StoredObject {
    const updated = new Date().toISOString();
    const md5Hash = createHash('md5').update(object.bytes).digest('base64');
    const sums = { md5Hash, crc32c: crc32c(object.bytes) };
    const stored = { ...object, ...sums, generation: String(++this.#generation), updated };
    bucket.set(key, stored);
    return stored;
  }
}

function resourceOf(name: string, { bytes, ...stored }: StoredObject): object {
  const timeCreated = stored.updated;
  return { kind: 'storage#object', name, size: String(bytes.length), timeCreated, ...stored };
}

function media(
  { bytes, generation, contentType, crc32c: sum }: StoredObject,
  range: string | undefined,
): Answer {
  const [, from, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (from !== undefined && Number(from) >= bytes.length) return failure(416, 'requestedRangeNotSatisfiable');
  const part = Buffer.from(bytes.subarray(Number(from ?? 0), last ? Number(last) + 1 : undefined));
  return {
    status: from === undefined ? 200 : 206,
    headers: {
      'content-type': contentType,
      'x-goog-generation': generation,
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-hash': `crc32c=${sum}`,
    },
    body: part,
  };
}

/** The JSON and the bytes of a `multipart/related` body. */
function readMultipart(contentType: string, body: Buffer): { resource: ObjectResource; bytes: Buffer } {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? '';
  const mark = Buffer.from(`--${boundary}`);
  const second = body.indexOf(mark, mark.length);
  const end = body.lastIndexOf(`\r\n--${boundary}--`);
  const start = (from: number): number => body.indexOf('\r\n\r\n', from) + 4;
  return {
    resource: JSON.parse(body.subarray(start(0), second).toString('utf8')) as ObjectResource,
    bytes: Buffer.from(body.subarray(start(second), end)),
  };
}
