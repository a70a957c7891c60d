import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fetchSound } from '../../src/orchestrator/fetch-sound.ts';
import { AbortedError, AudioError, BlockedRequestError } from '../../src/utils/errors.ts';
import { NetworkPolicy } from '../../src/utils/network-policy.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';

const SOUND = 'the bytes of a sound';
let asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  const timers: Record<string, () => unknown> = {
    '/sound': () => response.end(SOUND),
    '/moved': () => response.writeHead(302, { location: '/sound' }).end(),
    '/loop': () => response.writeHead(302, { location: '/loop' }).end(),
    '/to-hidden': () => response.writeHead(302, { location: `http://127.0.0.2:${port}/sound` }).end(),
    '/to-file': () => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/endless': () => {
      const timer = setInterval(() => response.write(Buffer.alloc(100_000)), 1);
      response.once('close', () => clearInterval(timer));
    },
    '/silent': () => response.flushHeaders(),
    '/cut': () =>
      response.writeHead(200, { 'content-length': 100 }).write('x', () => request.socket.destroy()),
  };
  (timers[request.url ?? ''] ?? (() => response.writeHead(404).end()))();
});
let port: number;
let folder: WorkFolder;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  asked = [];
  folder = await createWorkFolder('sound-test');
});
afterEach(() => folder[Symbol.asyncDispose]());

const at = (path: string) => `http://127.0.0.1:${port}${path}`;
/** As for a page of this server, on its author's machine. */
const get = (path: string, options: { maxBytes?: number; maxMs?: number; signal?: AbortSignal } = {}) =>
  fetchSound(at(path), {
    policy: new NetworkPolicy({ page: at('/'), ownMachine: true }),
    folder: folder.path,
    ...options,
  });

describe('a sound of an allowed host', () => {
  test.each(['/sound', '/moved'])('%s comes as a file', async (path) => {
    const file = await get(path);
    expect(await readFile(file, 'utf8')).toBe(SOUND);
    expect(file.startsWith(folder.path)).toBe(true);
  });

  test.each([
    ['/missing', 'HTTP 404'],
    ['/loop', 'more than 10 redirects'],
    ['/to-file', 'it leads to file:///etc/passwd'],
    ['/cut', 'aborted'],
  ])('%s is an AudioError: %s', async (path, reason) => {
    const getting = get(path);
    await expect(getting).rejects.toBeInstanceOf(AudioError);
    await expect(getting).rejects.toThrow(`could not be fetched: ${reason}`);
  });

  test('that does not end is cut off at its bound', async () => {
    await expect(get('/endless', { maxBytes: 1_000_000 })).rejects.toMatchObject({
      name: 'AudioError',
      message: expect.stringContaining('it is larger than 1000000 bytes'),
    });
  });

  test('that does not come is given up', async () => {
    await expect(get('/silent', { maxMs: 300 })).rejects.toMatchObject({
      name: 'AudioError',
      message: expect.stringContaining('it took longer than 0.3 s'),
    });
  });

  test('ends with its render', async () => {
    await expect(get('/silent', { signal: AbortSignal.timeout(100) })).rejects.toBeInstanceOf(AbortedError);
  });
});

describe('a sound of another host', () => {
  test('behind a redirect is refused', async () => {
    const getting = get('/to-hidden');
    await expect(getting).rejects.toBeInstanceOf(BlockedRequestError);
    await expect(getting).rejects.toMatchObject({ details: { address: '127.0.0.2' } });
    expect(asked).toEqual(['/to-hidden']);
  });

  test.each(['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '0.0.0.0'])(
    '%s is refused',
    async (host) => {
      const options = { policy: new NetworkPolicy({}), folder: folder.path };
      await expect(fetchSound(`http://${host}:${port}/sound`, options)).rejects.toBeInstanceOf(
        BlockedRequestError,
      );
      expect(asked).toEqual([]);
    },
  );
});
