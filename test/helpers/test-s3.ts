import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildApp } from 'fauxqs';

/** What goes wrong with a request, instead of or after what S3 does with it. */
export type FaultKind =
  /** An error answer with a code of S3. */
  | { readonly status: number; readonly code: string; readonly xml?: string; readonly headers?: object }
  /** The connection ends before the request is looked at. */
  | 'reset'
  /** The request is done, and its answer is lost. */
  | 'lost answer'
  /** The answer ends half way. */
  | 'cut'
  /** The answer stops half way, and the connection stays. */
  | 'stall'
  /** No answer. */
  | 'hang'
  /** The answer comes late, and in pieces. */
  | 'slow'
  /** One byte of the answer's body is another. */
  | 'flip';

export interface Fault {
  readonly kind: FaultKind;
  /** Part of `<method> <path and query>`. @default any */
  readonly request?: string;
  /** Requests that it happens to. @default 1 */
  readonly times?: number;
  /** Only each so many-th request that fits. @default 1 */
  readonly every?: number;
  /** Milliseconds from now in which it happens. @default no end */
  readonly ms?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const KEPT_HEADERS = /^(?:content-type|content-range|etag|last-modified|x-amz-.*)$/;
const ENTITIES = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" } as const;

const SLOW_MS = 100;
const SLOW_BYTES = 4096;

/** How far the time that a request is signed for is from now. */
function minutesOff({ headers }: IncomingMessage): number {
  const [, date, clock] = /^(\d{8})T(\d{6})Z$/.exec(String(headers['x-amz-date'])) ?? [];
  if (!date || !clock) return 0;
  const text = `${date.replace(/(..)(..)$/, '-$1-$2')}T${clock.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  return Math.abs(Date.now() - Date.parse(text)) / 60_000;
}

function plain(xml: string): string {
  return xml.replace(/&\w+;/g, (name) => ENTITIES[name as keyof typeof ENTITIES]);
}

function failure(status: number, code: string, more = '', headers: object = {}): Answer {
  const body = Buffer.from(
    `<Error><Code>${code}</Code><Message>${code} made by a test</Message>${more}</Error>`,
  );
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/**
 * S3 over HTTP on loopback: fauxqs, behind a front that adds what it lacks (If-None-Match, pages in the order of
 * the keys' bytes) and does what a test wants to go wrong. Sets the AWS environment of this process.
 */
export class TestS3 implements AsyncDisposable {
  /** `<method> <path and query>` of each request that came. */
  readonly requests: string[] = [];
  /** Keys to a page of a list. */
  pageSize = 1000;
  readonly #front: Server;
  readonly #target: string;
  readonly #close: () => Promise<unknown>;
  readonly #writes = new Map<string, Promise<unknown>>();
  /** Whether requests that are signed for a time more than 15 minutes off are refused, as S3 does. */
  checksTime = false;
  #faults: { fault: Fault; left: number; seen: number; until: number }[] = [];

  private constructor(front: Server, target: string, close: () => Promise<unknown>) {
    this.#front = front;
    this.#target = target;
    this.#close = close;
    front.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    process.env.AWS_ENDPOINT_URL_S3 = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    process.env.AWS_REGION = 'us-east-1';
    process.env.AWS_ACCESS_KEY_ID = 'test';
    process.env.AWS_SECRET_ACCESS_KEY = 'test';
  }

  /** Opens one with the given buckets. */
  static async open(...buckets: readonly string[]): Promise<TestS3> {
    const app = buildApp({ logger: false });
    const target = await app.listen({ host: '127.0.0.1', port: 0 });
    const front = createServer().listen(0, '127.0.0.1');
    await once(front, 'listening');
    for (const bucket of buckets) await fetch(`${target}/${bucket}`, { method: 'PUT' });
    return new TestS3(front, target, () => app.close());
  }

  fail(fault: Fault): void {
    this.#faults.push({
      fault,
      left: fault.times ?? 1,
      seen: 0,
      until: Date.now() + (fault.ms ?? Number.MAX_VALUE),
    });
  }

  /** Forgets the requests and the faults that are left. @returns the requests */
  reset(): string[] {
    this.#faults = [];
    return this.requests.splice(0);
  }

  #takeFault(line: string): FaultKind | undefined {
    const found = this.#faults.find(
      (planned) =>
        planned.left > 0 &&
        Date.now() < planned.until &&
        line.includes(planned.fault.request ?? '') &&
        ++planned.seen % (planned.fault.every ?? 1) === 0,
    );
    if (found) found.left--;
    return found?.fault.kind;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${request.url}`;
    this.requests.push(line);
    const kind = this.#takeFault(line);
    if (kind === 'reset') return void response.destroy();
    const body = await buffer(request);
    if (kind === 'hang') return;
    const answer =
      typeof kind === 'object'
        ? failure(kind.status, kind.code, kind.xml, kind.headers)
        : this.checksTime && minutesOff(request) > 15
          ? failure(403, 'RequestTimeTooSkewed')
          : await this.#perform(request, body);
    if (kind === 'lost answer') return void response.destroy();
    const bytes = Buffer.from(answer.body);
    if (kind === 'flip') bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    if (kind === 'slow') await sleep(SLOW_MS);
    response.writeHead(answer.status, answer.headers);
    if (kind === 'slow' && request.method !== 'HEAD') {
      for (let at = 0; at < bytes.length; at += SLOW_BYTES) {
        response.write(bytes.subarray(at, at + SLOW_BYTES));
        await sleep(SLOW_MS / 10);
      }
      response.end();
    } else if (kind === 'cut' || kind === 'stall') {
      response.write(bytes.subarray(0, bytes.length >> 1), () => {
        if (kind === 'cut') setTimeout(() => response.destroy(), 20);
      });
    } else response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  async #perform(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.#target);
    if (searchParams.has('list-type')) return this.#list(pathname, searchParams);
    const places = request.method === 'PUT' ? !searchParams.has('partNumber') : searchParams.has('uploadId');
    if (!places) return this.#forward(request, body);
    const work = (this.#writes.get(pathname) ?? Promise.resolve()).then(async () => {
      const absent = (await fetch(this.#target + pathname, { method: 'HEAD' })).status === 404;
      if (request.headers['if-none-match'] === '*' && !absent) return failure(412, 'PreconditionFailed');
      return this.#forward(request, body);
    });
    this.#writes.set(
      pathname,
      work.catch(() => {}),
    );
    return work;
  }

  async #forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { host: _, connection: __, expect: ___, 'content-length': ____, ...headers } = request.headers;
    const method = request.method as string;
    const answer = await fetch(this.#target + request.url, {
      method,
      headers: headers as Record<string, string>,
      ...(method === 'PUT' || method === 'POST' ? { body: new Uint8Array(body) } : {}),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const kept = [...answer.headers].filter(([name]) => KEPT_HEADERS.test(name));
    const length = method === 'HEAD' ? answer.headers.get('content-length') : String(bytes.length);
    const all = { ...Object.fromEntries(kept), ...(length ? { 'content-length': length } : {}) };
    return { status: answer.status, headers: all, body: bytes };
  }

  async #list(bucket: string, query: URLSearchParams): Promise<Answer> {
    const all = new URLSearchParams({ 'list-type': '2', prefix: query.get('prefix') ?? '' });
    const found = await fetch(`${this.#target}${bucket}?${all}`);
    const xml = await found.text();
    if (!found.ok) {
      return { status: found.status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) };
    }
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64');
    const entries = [...xml.matchAll(/<Contents>.*?<Key>(.*?)<\/Key>.*?<\/Contents>/gs)]
      .map(([text, key = '']) => ({ text, key: Buffer.from(plain(key)) }))
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .filter(({ key }) => Buffer.compare(key, after) > 0);
    const page = entries.slice(0, this.pageSize);
    const more = page.length < entries.length;
    const next = more
      ? `<NextContinuationToken>${page.at(-1)?.key.toString('base64')}</NextContinuationToken>`
      : '';
    const body = `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${page.map(({ text }) => text).join('')}</ListBucketResult>`;
    return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#front.closeAllConnections();
    await Promise.all([new Promise((resolve) => this.#front.close(resolve)), this.#close()]);
  }
}
