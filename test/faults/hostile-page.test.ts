import { readdir, readFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { inspectComposition } from '../../src/orchestrator/inspect.ts';
import {
  AssetError,
  AudioError,
  BlockedRequestError,
  FrameTimeoutError,
  type HeliosError,
  PageLimitError,
} from '../../src/utils/errors.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { FaultScene } from '../helpers/fault-scene.ts';
import { toolPatterns, toolsOf, until } from '../helpers/processes.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';

let scene: FaultScene;
let renderer: Renderer;
let pages = 0;
beforeAll(async () => {
  scene = await FaultScene.open();
  renderer = await Renderer.open(1);
});
afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});
afterEach(() => vi.unstubAllEnvs());

const options = { seekMode: 'seek', timeouts: { load: 15_000, frame: 15_000 } } as const;
const muted = { muted: true };
const page = (body: string) => scene.page(`page-${pages++}`, body, 0.1);

/** Renders what must fail; then the same worker must render as ever. */
async function fail(
  body: string,
  wait = options.timeouts as { load: number; frame: number },
): Promise<HeliosError> {
  const source = await page(body);
  const error = await renderer
    .render({ composition: { source }, encoding: muted, page: { ...options, timeouts: wait } })
    .then(
      ({ file }) => expect.fail(`rendered ${file}`),
      (reason: HeliosError) => reason,
    );
  const next = {
    composition: { source: fixture('barcode-raf'), inputProps: { page: pages } },
    page: options,
    encoding: muted,
  };
  vi.unstubAllEnvs();
  const { file } = await renderer.render({ ...next, frameRange: [0, 3] });
  expect(await decodeBarcodes(file)).toEqual([0, 1, 2]);
  return error;
}

test('nothing that a page keeps is there for the next page', async () => {
  for (const run of [1, 2]) {
    const composition = { source: fixture('hostile/remembers'), inputProps: { run } };
    const { result } = await renderer.render({ composition, page: options, encoding: muted });
    const told = result.warnings.join('\n');
    expect(told).toContain('found: nothing');
    expect(told).toContain('kept: 1,1,a=1,1, 1');
    expect(told.match(/found: (?!nothing)/g)).toBeNull();
  }
});

test('windows, downloads, dialogs, printing, devices and files are refused, and the page is rendered', async () => {
  const composition = { source: fixture('hostile/acts') };
  const { result } = await renderer.render({ composition, page: options, encoding: muted });
  const told = result.warnings.join('\n');
  expect(told).toContain(
    'the page opened a window, which is refused: http://composition.localhost/popup.html',
  );
  expect(told).toContain('the page started a download, which is refused: data:text/plain,secret');
  expect(told).toContain(
    'open null; confirm false; prompt null; fullscreen denied; file denied; clipboard denied; camera denied; position denied; notification default',
  );
  expect(told).not.toContain('a window ran');
  expect(result.frames).toBe(3);
  for (const folder of [tmpdir(), process.cwd(), homedir(), path.join(homedir(), 'Downloads')]) {
    const names = await readdir(folder, { recursive: folder === tmpdir() }).catch(() => []);
    expect(names.filter((name) => name.includes('hostile-download'))).toEqual([]);
  }
});

test('a file of this machine as an image', async () => {
  const error = await fail('<img src="file:///etc/passwd">');
  expect(error).toBeInstanceOf(BlockedRequestError);
  expect(error.details).toMatchObject({ url: 'file:///etc/passwd' });
});

test('a file of this machine as a film', async () => {
  const error = await fail('<video src="file:///etc/passwd" muted></video>');
  expect(error).toBeInstanceOf(AssetError);
  expect(error.message).toContain('file:///etc/passwd');
});

test('no process of the browser and no encoder has the credentials of ours', async () => {
  const secret = 'not-for-the-page';
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'GITHUB_TOKEN'])
    vi.stubEnv(name, secret);
  vi.stubEnv('AWS_LAMBDA_RUNTIME_API', `${secret}:9001`);
  const seen = new Map<string, string>();
  let over = false;
  const rendering = renderer
    .render({
      composition: { source: fixture('barcode-raf'), inputProps: { env: 1 } },
      frameRange: [0, 60],
      encoding: muted,
      chunking: { segments: 1 },
    })
    .finally(() => {
      over = true;
    });
  while (!over) {
    await sleep(20);
    for (const { pid, command } of await toolsOf()) {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const kind = Object.entries(toolPatterns).find(([, pattern]) => pattern.test(command))?.[0];
      if (kind && environment) seen.set(kind, (seen.get(kind) ?? '') + environment);
    }
  }
  await rendering;
  expect([...seen.keys()].sort()).toEqual(['browser', 'gpu', 'renderer', 'segmentEncoder', 'zygote']);
  // Chromium's other processes write their title over what they got from the first.
  for (const kind of ['browser', 'segmentEncoder']) expect(seen.get(kind)).toContain('PATH=');
  for (const environment of seen.values()) {
    expect(environment).not.toContain(secret);
    expect(environment).not.toMatch(/AWS_|TOKEN/);
  }
});

describe('a page that never ends', () => {
  const short = { load: 1_500, frame: 1_500 };
  test.each([
    ['a loop in a timer', '<script>setTimeout(() => { for (;;); })</script>'],
    ['reloading', '<script>location.reload()</script>'],
  ])('%s', async (_, body) => {
    const error = await fail(body, short);
    expect(error).toBeInstanceOf(FrameTimeoutError);
    expect((error.details.waitingFor as string[]).length).toBeLessThanOrEqual(10);
  });

  test('a loop in a worker is of no matter, and ends with its page', async () => {
    const source = await page('<script>new Worker(URL.createObjectURL(new Blob(["for (;;);"])))</script>');
    const loops = async () => {
      const tools = await toolsOf();
      const names = await Promise.all(tools.map(({ pid }) => threadNames(pid)));
      return names.flat().some((name) => name.startsWith('DedicatedWorker'));
    };
    const rendering = renderer.render({ composition: { source }, page: options, encoding: muted });
    await until('the worker', async () => (await loops()) || undefined);
    expect((await rendering).result.frames).toBe(3);
    await until('the end of the worker', async () => ((await loops()) ? undefined : true), 10_000);
  });
});

/** Names of a process's threads, of at most 15 letters. */
async function threadNames(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  return Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/comm`, 'utf8').catch(() => '')));
}

describe('a page that takes too much', () => {
  test.each([
    [
      'canvases of 100 GB',
      `<script>const all = []; for (let i = 0; i < 100; i++) {
        const canvas = Object.assign(document.createElement('canvas'), { width: 16384, height: 16384 });
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.fillRect(0, 0, 16384, 16384); context.getImageData(0, 0, 1, 1); all.push(canvas);
      }</script>`,
    ],
    [
      'an array without an end',
      '<script>const all = []; for (;;) all.push(new Array(1e6).fill(all.length + 0.5))</script>',
    ],
  ])('%s', async (_, body) => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '700');
    const error = await fail(body);
    expect(error).toBeInstanceOf(PageLimitError);
    expect(error).toMatchObject({ retryable: false, details: { limit: 'memory', allowed: 525 * 1024 ** 2 } });
    expect(error.message).toContain('Have the page draw and keep less');
  });

  test('a thousand workers', async () => {
    const body = `<script>const at = URL.createObjectURL(new Blob(['']));
      for (let i = 0; i < 1000; i++) new Worker(at);</script>`;
    const error = await fail(body, { load: 60_000, frame: 60_000 });
    expect(error).toBeInstanceOf(PageLimitError);
    expect(error.details).toMatchObject({ limit: 'threads' });
  });

  test('a message of 70 MB', async () => {
    // Chromium tells some 6 MB of it a second, and fewer beside other tests.
    const error = await fail('<script>console.error("x".repeat(7e7))</script>', {
      load: 60_000,
      frame: 60_000,
    });
    expect(error).toBeInstanceOf(PageLimitError);
    expect(error.details).toMatchObject({ limit: 'message', bytes: 64 * 1024 ** 2 });
  });

  test('what it tells at once is cut short', async () => {
    const source = await page('<script>console.error("\\u001b]0;title\\u0007" + "x".repeat(1e6))</script>');
    const { result } = await renderer.render({
      composition: { source },
      page: options,
      encoding: muted,
    });
    expect(result.warnings).toHaveLength(1);
    expect(result.warnings[0]).toMatch(/console\.error: {2}\]0;title x+…$/);
    expect(result.warnings[0]?.length).toBeLessThan(3_000);
  });
});

test('props reach the page as data only', async () => {
  const inputProps = {
    text: '</script><script>document.title = "broken out"</script>\u2028\u2029\'"`\\',
    '</script>': 1,
    constructor: { prototype: { polluted: true } },
    nested: JSON.parse('{"__proto__": {"polluted": true}}') as object,
    large: 'ü'.repeat(2_500_000),
  };
  const source = await page(`<script>const { large, ...small } = window.__HELIOS_PROPS__;
    const told = [JSON.stringify(small), large.length, ({}).polluted, small.nested.polluted, document.title];
    console.error(told.join(' ').replace(/\\s/g, ' '));</script>`);
  const { result } = await renderer.render({
    composition: { source, inputProps: inputProps as never },
    page: options,
    encoding: muted,
  });
  const { large, ...small } = { ...inputProps, nested: {} };
  const told = [JSON.stringify(small), large.length, undefined, undefined, path.basename(source)].join(' ');
  expect(result.warnings.join()).toContain(`console.error: ${told.replaceAll(/\s/g, ' ')}`);
});

test('captions are the page’s own, and only counted', async () => {
  const text =
    '</script><img src=x onerror="document.title = 1"><script>document.title = 2</script>\u001b[2J';
  const source =
    await page(`<script>window.helios = { seek() {}, duration: { value: 0.1 }, fps: { value: 30 },
    captions: { value: window.__HELIOS_PROPS__.captions } };
    requestAnimationFrame(() => console.error('title ' + document.title));</script>`);
  const composition = { source, inputProps: { captions: [{ startTime: 0, endTime: 100, text }] } };
  const { captions, title, errors } = await inspectComposition(composition, { store: renderer.store });
  expect({ captions, title, errors }).toEqual({ captions: 1, title: path.basename(source), errors: [] });
  const { result } = await renderer.render({ composition, page: options, encoding: muted });
  expect(result.warnings.join()).toContain(`console.error: title ${path.basename(source)}`);
});

test.each([
  ['file:///etc/passwd', AudioError],
  ['concat:/etc/passwd|/etc/hosts', AudioError],
  ['subfile,,start,0,end,99,,:///etc/passwd', AudioError],
  ['http://127.0.0.1:9001/2018-06-01/runtime/invocation/next', BlockedRequestError],
  ['http://169.254.169.254/latest/meta-data/', BlockedRequestError],
])('a sound at %s', async (src, type) => {
  const source =
    await page(`<script>window.helios = { seek() {}, duration: { value: 0.1 }, fps: { value: 30 },
    availableAudioTracks: { value: [{ id: 'a', src: ${JSON.stringify(src)}, startTime: 0, duration: 1 }] } }</script>`);
  const rendering = renderer.render({ composition: { source }, page: options });
  await expect(rendering).rejects.toBeInstanceOf(type);
});
