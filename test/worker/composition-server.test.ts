import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CompositionServer } from '../../src/worker/composition-server.ts';

const CONTENT = '0123456789abcdefghij';

let folder: string;
let server: CompositionServer;
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
  server = await CompositionServer.listen();
  server.serve(async (name) => {
    asked.push(name);
    if (name === 'broken') throw new Error('the store is gone');
    return files.get(name);
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const get = (name: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}/${name}`, init);

/** Sends bytes as they are: `fetch` would put paths in order. */
async function raw(request: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
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
      const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
      expect((await get('film.mp4')).status).toBe(200);
    },
  );

  test.each(['/../secret', '/a/../../secret', '/%2e%2e/secret', '/..%2fsecret', '/%2fetc/passwd'])(
    'a path that leads out: %s',
    async (target) => {
      asked = [];
      const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
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
  const own = await CompositionServer.listen();
  own.serve(() => new Promise(() => {}));
  const hanging = fetch(`http://127.0.0.1:${own.port}/x`).catch(() => 'ended');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await own[Symbol.asyncDispose]();
  expect(await hanging).toBe('ended');
});
