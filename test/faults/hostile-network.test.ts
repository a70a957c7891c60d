import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResolvedComposition } from '../../src/types/composition.ts';
import { pageOptionsSchema } from '../../src/types/render-job.ts';
import { BlockedRequestError } from '../../src/utils/errors.ts';
import { PageSession } from '../../src/worker/page-session.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';

/** A stand-in for the internet: one public address, at which a server of this test answers, and a few names. */
const internet = vi.hoisted(() => ({
  address: '93.184.216.34',
  port: 0,
  names: {} as Record<string, () => string[]>,
  dialled: [] as string[],
}));
vi.mock('node:dns/promises', async (original) => ({
  ...(await original<typeof import('node:dns/promises')>()),
  lookup: async (host: string) => {
    const found = internet.names[host]?.();
    if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  },
}));
vi.mock('node:net', async (original) => {
  const net = await original<typeof import('node:net')>();
  const connect = (options: { host: string; port: number }) => {
    internet.dialled.push(`${options.host}:${options.port}`);
    const here = options.host === internet.address;
    return net.connect(here ? { host: '127.0.0.1', port: internet.port } : options);
  };
  return { ...net, connect };
});

const hits: string[] = [];
const own =
  Object.values(networkInterfaces())
    .flat()
    .find((at) => at?.family === 'IPv4' && !at.internal)?.address ?? '127.0.0.2';

/** What a page must not reach: it answers on every address of this machine, over HTTP, TCP and UDP. */
const hidden = createServer((request, response) => {
  hits.push(`${request.url}`);
  response.setHeader('access-control-allow-origin', '*').end('secret');
}).on('upgrade', (request, socket) => {
  hits.push(`${request.url}`);
  socket.destroy();
});
const hiddenTcp = createTcpServer((socket) => {
  hits.push('tcp');
  socket.on('error', () => {});
});
const hiddenUdp = createSocket('udp4', () => void hits.push('udp'));

let pages: Record<string, string> = {};
const publicServer = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '', 'http://x');
  response.setHeader('access-control-allow-origin', '*');
  if (pathname === '/redirect')
    response.writeHead(302, { location: `http://127.0.0.1:${ports.http}/redirect` }).end();
  else if (pathname === '/loop') response.writeHead(302, { location: `/loop?${Math.random()}` }).end();
  else if (pages[pathname] === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'text/html' }).end(pages[pathname]);
});

const ports = { http: 0, tcp: 0, udp: 0 };
let renderer: Renderer;
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
beforeAll(async () => {
  await Promise.all([
    new Promise<void>((resolve) => hidden.listen(0, resolve)),
    new Promise<void>((resolve) => hiddenTcp.listen(0, resolve)),
    new Promise<void>((resolve) => hiddenUdp.bind(0, resolve)),
    new Promise<void>((resolve) => publicServer.listen(0, '127.0.0.1', resolve)),
  ]);
  Object.assign(ports, { http: portOf(hidden), tcp: portOf(hiddenTcp), udp: portOf(hiddenUdp) });
  internet.port = portOf(publicServer);
  renderer = await Renderer.open(1);
});
afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
  for (const server of [hidden, publicServer]) {
    server.closeAllConnections();
    server.close();
  }
  hiddenTcp.close();
  hiddenUdp.close();
});
beforeEach(() => {
  hits.length = 0;
  internet.dialled.length = 0;
  pages = {};
  internet.names = { 'public.test': () => [internet.address], 'private.test': () => ['10.1.2.3'] };
});

const timeouts = { load: 15_000, frame: 15_000 };
const size = { width: 64, height: 64, fps: 30, durationInFrames: 3 };

/** Renders a page that the public server gives out. */
function renderPublic(
  html: string,
  page: Parameters<Renderer['render']>[0]['page'] = {},
  host = 'public.test',
) {
  pages = { ...pages, '/': `<!doctype html><body>${html}` };
  return renderer.render({
    composition: { source: `http://${host}/`, ...size },
    page: { timeouts, ...page },
  });
}
const failure = (rendering: Promise<unknown>): Promise<Error & { details: Record<string, unknown> }> =>
  rendering.then(
    () => expect.fail('rendered'),
    (error) => error,
  );

describe('a page that tries every way to this machine and to private addresses', () => {
  const composition = { source: fixture('hostile/reaches-out') };
  const job = () => ({ composition: { ...composition, inputProps: { ...ports, own } } });

  test('gets nowhere, and is told of each way in a warning', async () => {
    const { result } = await renderer.render({
      ...job(),
      page: { onAssetError: 'warn', timeouts },
      encoding: { muted: true },
    });
    await sleep(500);
    expect(hits).toEqual([]);
    expect(internet.dialled.filter((to) => !to.startsWith(internet.address))).toEqual([]);
    const told = result.warnings.join('\n');
    const loopback = `http://127.0.0.1:${ports.http}`;
    const ways = [
      ...[
        'fetch',
        'decimal',
        'hexadecimal',
        'octal',
        'short',
        'beacon',
        'img',
        'iframe',
        'srcdoc',
        'data-frame',
      ],
      ...[
        'blob-frame',
        'video',
        'object',
        'css',
        'preload',
        'prefetch',
        'modulepreload',
        'stylesheet',
        'worker',
      ],
      ...['import-scripts', 'shared-worker', 'service-worker', 'eventsource', 'redirect'],
    ].map((way) => `${loopback}/${way} `);
    const hosts = [
      ...[`http://[::1]:${ports.http}/ipv6`, `http://[::ffff:7f00:1]:${ports.http}/mapped`],
      ...[`http://0.0.0.0:${ports.http}/zero`, `http://localhost:${ports.http}/localhost`],
      ...[`http://any.localhost:${ports.http}/`, `http://composition.localhost:${ports.http}/other-port`],
      ...[`http://private.test:${ports.http}/private-name`, `http://${own}:${ports.http}/own-address`],
      ...['http://127.0.0.1:9001/2018', 'http://169.254.169.254/latest', 'http://[fd00:ec2::254]/latest'],
      ...['http://10.0.0.1/', 'http://172.16.0.1/', 'http://192.168.0.1/', 'http://100.64.0.1/'],
      ...['http://[fc00::1]/', 'http://[fe80::1]/'],
      ...[`https://127.0.0.1:${ports.tcp}/`, `https://127.0.0.1:${ports.http}/`],
    ];
    for (const way of [...ways, ...hosts]) expect(told).toContain(`asked for ${way}`);
  });

  test('is a BlockedRequestError that says what to do, and the worker renders on', async () => {
    const error = await failure(renderer.render({ ...job(), page: { timeouts } }));
    expect(error).toBeInstanceOf(BlockedRequestError);
    expect(error).toMatchObject({
      retryable: false,
      details: { url: expect.any(String), port: expect.any(Number) },
    });
    expect(error.message).toContain('is no public address. Put what it needs into the composition');
    const { file } = await renderer.render({
      composition: { source: fixture('barcode-raf') },
      frameRange: [0, 3],
    });
    expect(await decodeBarcodes(file)).toEqual([0, 1, 2]);
  });
});

describe('a page by address', () => {
  test('reaches its own host and other public ones', async () => {
    internet.names['cdn.test'] = () => [internet.address];
    pages['/a.css'] = '';
    const { result } = await renderPublic('<link rel="stylesheet" href="http://cdn.test/a.css">');
    expect(result.warnings).toEqual([]);
    expect(internet.dialled.length).toBeGreaterThan(0);
  });

  test('of this machine is refused: its author is elsewhere', async () => {
    const source = `http://localhost:${ports.http}/page`;
    const error = await failure(renderer.render({ composition: { source, ...size }, page: { timeouts } }));
    expect(error).toBeInstanceOf(BlockedRequestError);
    expect(error.details).toMatchObject({ url: source, address: '127.0.0.1' });
    expect(hits).toEqual([]);
  });

  test.each(['fetch', 'img', 'iframe'])('%s: a redirect to a private address is refused', async (tag) => {
    const to = 'http://public.test/redirect';
    const html =
      tag === 'fetch' ? `<script>fetch('${to}').catch(() => {})</script>` : `<${tag} src="${to}"></${tag}>`;
    const error = await failure(renderPublic(html));
    expect(error).toBeInstanceOf(BlockedRequestError);
    expect(error.details.url).toBe(`http://127.0.0.1:${ports.http}/redirect`);
    expect(hits).toEqual([]);
  });

  test('whose name leads elsewhere after the first answer is refused', async () => {
    let asked = 0;
    internet.names['rebind.test'] = () => (asked++ === 0 ? [internet.address] : ['127.0.0.1']);
    const again = `<script>setInterval(() => fetch('http://rebind.test:${ports.http}/rebound').catch(() => {}), 1)</script>`;
    const error = await failure(renderPublic(again, {}, 'rebind.test'));
    expect(error).toBeInstanceOf(BlockedRequestError);
    expect(error.details).toMatchObject({ host: 'rebind.test', address: '127.0.0.1' });
    expect(asked).toBeGreaterThan(1);
    expect(hits).toEqual([]);
  });

  test('whose name has a private address beside a public one is refused', async () => {
    internet.names['both.test'] = () => [internet.address, '127.0.0.1'];
    const error = await failure(renderPublic('', {}, 'both.test'));
    expect(error).toBeInstanceOf(BlockedRequestError);
    expect(internet.dialled).toEqual([]);
  });

  test('is told of two requests to one host each by its own reason', async () => {
    let asked = 0;
    internet.names['twice.test'] = () => (asked++ === 0 ? ['10.0.0.1'] : [internet.address]);
    const retry = `this.onerror = null; this.src = 'http://twice.test/missing'`;
    const html = `<img src="http://twice.test/private" onerror="${retry}">`;
    pages = { '/': `<!doctype html><body>${html}` };
    const ref = { kind: 'url', url: 'http://public.test/' } as const;
    const composition: ResolvedComposition = { ref, kind: 'page', ...size, inputProps: {} };
    const page = pageOptionsSchema.parse({ onAssetError: 'warn', timeouts });
    const options = { composition, page, scale: 1, transparent: false };
    const told = await renderer.worker.withBrowser(
      { ref },
      { mode: 'begin-frame' },
      undefined,
      async (browser) => {
        await using session = await PageSession.open(browser, options);
        return session.warnings;
      },
    );
    expect(told).toEqual([
      expect.stringContaining('asked for http://twice.test/private '),
      expect.stringContaining('could not load the image http://twice.test/missing (HTTP 404)'),
    ]);
  });

  test('that redirects for ever fails', async () => {
    const source = 'http://public.test/loop';
    const error = await failure(renderer.render({ composition: { source, ...size }, page: { timeouts } }));
    expect(error).toMatchObject({
      name: 'CompositionLoadError',
      message: expect.stringContaining('ERR_TOO_MANY_REDIRECTS'),
    });
  });

  test('reaches only the hosts that the job names', async () => {
    internet.names['cdn.test'] = () => [internet.address];
    internet.names['a.fonts.test'] = () => [internet.address];
    pages['/a.css'] = '';
    const links = (...hosts: string[]) =>
      hosts.map((host) => `<link rel="stylesheet" href="http://${host}/a.css">`).join('');
    const { result } = await renderPublic(links('a.fonts.test'), { allowHosts: ['*.fonts.test'] });
    expect(result.warnings).toEqual([]);
    const error = await failure(
      renderPublic(links('a.fonts.test', 'cdn.test'), { allowHosts: ['*.fonts.test'] }),
    );
    expect(error).toBeInstanceOf(BlockedRequestError);
    expect(error.message).toContain('cdn.test:80 is not among the hosts that the job allows (allowHosts)');
  });
});
