import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestOptions, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BlockedRequestError, PageLimitError } from '../../src/utils/errors.ts';
import { NetworkPolicy } from '../../src/utils/network-policy.ts';
import { Gate } from '../../src/worker/gate.ts';
import type { FileLookup } from '../../src/worker/serve-file.ts';

const CONTENT = '0123456789abcdefghij';

let folder: string;
let gate: Gate;
const nowhere = new NetworkPolicy({ allowHosts: [] });
let asked: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-server-'));
  const files = new Map<string, { file: string; size: number; contentType: string }>();
  const add = async (name: string, content: string, contentType: string) => {
    const file = path.join(folder, `${files.size}`);
    await writeFile(file, content);
    files.set(name, { file, size: content.length, contentType });
  };
  await add('film.mp4', CONTENT, 'video/mp4');
  await add('index.html', '<p>page</p>', 'text/html');
  await add('empty.txt', '', 'text/plain');
  await add('a b/é#?.txt', 'odd name', 'text/plain');
  await add('100%.txt', 'all of it', 'text/plain');
  gate = await Gate.listen();
  const lookup: FileLookup = async (name) => {
    asked.push(name);
    if (name === 'broken') throw new Error('the store is gone');
    return files.get(name);
  };
  gate.serve(lookup, nowhere);
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Asks as a browser asks its proxy. */
function get(name: string, init: RequestOptions = {}, port = gate.port): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = `http://composition.localhost/${name}`;
    request({ host: '127.0.0.1', port, path: asked, agent: false, ...init })
      .on('error', reject)
      .on('response', async (response) => {
        const { statusCode: status = 0, headers } = response;
        const body = await text(response).catch(reject);
        resolve(new Response(body || null, { status, headers: headers as Record<string, string> }));
      })
      .end();
  });
}

/** Sends bytes as they are: `fetch` would put paths in order. */
async function raw(request: string): Promise<string> {
  const socket = connect(gate.port, '127.0.0.1');
  socket.end(request);
  return text(socket);
}

describe('a whole file', () => {
  test('comes with its length, its type and an offer of ranges', async () => {
    const response = await get('film.mp4');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('video/mp4');
    expect(response.headers.get('content-length')).toBe('20');
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(await response.text()).toBe(CONTENT);
  });

  test('comes by HEAD without its bytes', async () => {
    const response = await get('film.mp4', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('20');
    expect(await response.text()).toBe('');
  });

  test('may be empty', async () => {
    const response = await get('empty.txt');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('0');
    expect(await response.text()).toBe('');
  });

  test('is found by a path with escapes, and without its query', async () => {
    expect(await (await get('a%20b/%C3%A9%23%3F.txt')).text()).toBe('odd name');
    expect(await (await get('film.mp4?version=2')).text()).toBe(CONTENT);
    expect(await (await get('100%25.txt')).text()).toBe('all of it');
    expect(await (await get('100%.txt')).text()).toBe('all of it');
  });
});

describe('a range', () => {
  test.each([
    ['bytes=0-4', '01234', '0-4'],
    ['bytes=5-5', '5', '5-5'],
    ['bytes=15-', 'fghij', '15-19'],
    ['bytes=-3', 'hij', '17-19'],
    ['bytes=-100', CONTENT, '0-19'],
    ['bytes=0-', CONTENT, '0-19'],
    ['bytes=10-1000', 'abcdefghij', '10-19'],
    ['bytes=19-19', 'j', '19-19'],
  ])('%s', async (range, content, sent) => {
    const response = await get('film.mp4', { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${sent}/20`);
    expect(response.headers.get('content-length')).toBe(String(content.length));
    expect(await response.text()).toBe(content);
  });

  test.each(['bytes=20-', 'bytes=100-200', 'bytes=-0', 'bytes=9-5'])('%s can not be met', async (range) => {
    const response = await get('film.mp4', { headers: { range } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */20');
  });

  test.each(['bytes=-', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,4-5', 'bytes'])(
    '%s is passed over',
    async (range) => {
      const response = await get('film.mp4', { headers: { range } });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(CONTENT);
    },
  );

  test('comes by HEAD without its bytes', async () => {
    const response = await get('film.mp4', { method: 'HEAD', headers: { range: 'bytes=0-4' } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-length')).toBe('5');
  });
});

describe('what is refused', () => {
  test('a file that is not there', async () => {
    expect((await get('nothing.txt')).status).toBe(404);
    expect((await get('')).status).toBe(404);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s', async (method) => {
    const response = await get('film.mp4', { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  test.each(['/%', '/%zz', '/%c3%28', '/%E0%A4%A', '//', '/\\', '///:80:80'])(
    'a path that can not be read: %s',
    async (target) => {
      const answer = await raw(
        `GET http://composition.localhost${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
      expect((await get('film.mp4')).status).toBe(200);
    },
  );

  test.each(['/../secret', '/a/../../secret', '/%2e%2e/secret', '/..%2fsecret', '/%2fetc/passwd'])(
    'a path that leads out: %s',
    async (target) => {
      asked = [];
      const answer = await raw(
        `GET http://composition.localhost${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  test('a file that can not be had ends its connection and no other', async () => {
    const broken = get('broken').then(
      ({ status }) => status,
      () => 'ended',
    );
    expect([500, 'ended']).toContain(await broken);
    expect((await get('film.mp4')).status).toBe(200);
  });

  test('rubbish', async () => {
    expect(await raw('rubbish\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get('film.mp4')).status).toBe(200);
  });
});

test('listens on loopback only, and ends with connections open', async () => {
  const own = await Gate.listen();
  own.serve(() => new Promise(() => {}), nowhere);
  const hanging = get('x', {}, own.port).catch(() => 'ended');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await own[Symbol.asyncDispose]();
  expect(await hanging).toBe('ended');
});

describe('another host', () => {
  const serve = async (listener: Parameters<typeof createServer>[1]) => {
    const server = createServer(listener as never);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const policy = new NetworkPolicy({ page, ownMachine: true });
    const close = () => {
      server.closeAllConnections();
      server.close();
    };
    return { page, policy, [Symbol.dispose]: close };
  };
  const ask = (own: Gate, path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      request({ host: '127.0.0.1', port: own.port, path, agent: false })
        .on('error', reject)
        .on('response', (response) => {
          response.on('data', (piece: Buffer) => {
            bytes += piece.length;
          });
          response.once('close', () => resolve(bytes));
        })
        .end();
    });

  test('that sends without an end is told once, when it has sent too much', async () => {
    using other = await serve((_, response) => {
      const pour = () => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', pour);
      pour();
    });
    const own = await Gate.listen(5_000_000);
    const told: unknown[] = [];
    own.onOverrun = (error) => {
      told.push(error);
      void own[Symbol.asyncDispose]();
    };
    own.serve(async () => undefined, other.policy);
    expect(await ask(own, other.page).catch(() => 0)).toBeLessThan(50_000_000);
    expect(told).toEqual([expect.any(PageLimitError)]);
    expect(told[0]).toMatchObject({ details: { limit: 'network', bytes: 5_000_000 } });
  });

  test('is reached through one connection, as it was asked', async () => {
    const seen: string[] = [];
    const sockets = new Set<unknown>();
    using other = await serve(async (message, response) => {
      sockets.add(message.socket);
      seen.push(
        `${message.method} ${message.url} ${message.headers.host} ${message.headers['x-a']} ${await text(message)}`,
      );
      response.writeHead(207, { 'x-b': 'c', connection: 'keep-alive' }).end('answer');
    });
    gate.serve(async () => undefined, other.policy);
    for (const body of ['one', 'two']) {
      const answer = await new Promise<[number | undefined, unknown, string]>((resolve, reject) => {
        const sent = request({
          ...{
            host: '127.0.0.1',
            port: gate.port,
            path: `${other.page}a%20b?c=%22`,
            method: 'POST',
            agent: false,
          },
          headers: {
            host: 'named.test',
            'x-a': 'b',
            'proxy-connection': 'keep-alive',
            'content-length': body.length,
          },
        });
        sent.on('error', reject);
        sent.on('response', async (response) =>
          resolve([response.statusCode, response.headers['x-b'], await text(response)]),
        );
        sent.end(body);
      });
      expect(answer).toEqual([207, 'c', 'answer']);
    }
    expect(seen).toEqual(['one', 'two'].map((body) => `POST /a%20b?c=%22 named.test b ${body}`));
    expect(sockets.size).toBe(1);
  });
});

test('what a page left behind is nothing to the next one', async () => {
  await using gate = await Gate.listen();
  let refuse: (() => void) | undefined;
  class Slow extends NetworkPolicy {
    override connect(): Promise<never> {
      return new Promise((_, reject) => {
        refuse = () => reject(new BlockedRequestError('slow.test:443 is no public address', {}));
      });
    }
  }
  gate.serve(async () => undefined, new Slow({}));
  const socket = connect(gate.port, '127.0.0.1').on('error', () => {});
  socket.write('CONNECT slow.test:443 HTTP/1.1\r\nhost: slow.test:443\r\n\r\n');
  await vi.waitFor(() => expect(refuse).toBeDefined(), 5_000);
  gate.serve(async () => undefined, nowhere);
  refuse?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(gate.takeBlocked()).toEqual([]);
  expect(gate.whyFailed('https://slow.test/', 'net::ERR_TUNNEL_CONNECTION_FAILED')).toBeUndefined();
  socket.destroy();
});

test('a server that changes the protocol unasked is a bad gateway', async () => {
  const server = createServer().on('request', (_, response) => {
    response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await using gate = await Gate.listen();
  gate.serve(async () => undefined, new NetworkPolicy({ page, ownMachine: true }));
  const status = await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: gate.port, path: page, agent: false })
      .on('error', reject)
      .on('response', ({ statusCode }) => resolve(statusCode))
      .end();
  });
  expect(status).toBe(502);
  server.closeAllConnections();
  server.close();
});
