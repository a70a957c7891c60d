import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { BrowserCrashedError } from '../../src/utils/errors.ts';
import { Browser } from '../../src/worker/browser.ts';
import { ChromiumProcess } from '../../src/worker/chromium-process.ts';
import { DevTools } from '../../src/worker/devtools.ts';
import { expectNothingLeft } from '../helpers/fault-scene.ts';
import { toolPatterns, until, untilTool } from '../helpers/processes.ts';

describe('a guarded wait', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.launch({ mode: 'begin-frame' });
  });
  afterAll(() => browser.close());

  test('settles as the work does', async () => {
    const failure = new Error('own');
    expect(await browser.guard(Promise.resolve('value'))).toBe('value');
    await expect(browser.guard(Promise.reject(failure))).rejects.toBe(failure);
  });

  test('holds nothing of what came out of it', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const results = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const picture = await browser.guard(Promise.resolve({ bytes: new Uint8Array(1_000_000) }));
        return new WeakRef(picture);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    expect(results.filter((result) => result.deref() !== undefined)).toEqual([]);
  });

  test('ends when the browser does, and so does every later one', async () => {
    const waiting = browser.guard(new Promise(() => {}));
    browser.kill();
    await expect(waiting).rejects.toBeInstanceOf(BrowserCrashedError);
    expect(browser.alive).toBe(false);
    await expect(browser.guard(Promise.resolve('late'))).rejects.toMatchObject({
      name: 'BrowserCrashedError',
      retryable: true,
    });
  });
});

test('a browser that does not answer in time counts as ended', async () => {
  await using browser = await Browser.launch({ mode: 'begin-frame' });
  await expect(browser.within(50, new Promise(() => {}))).rejects.toMatchObject({
    name: 'BrowserCrashedError',
    message: expect.stringContaining('did not answer within 50 ms'),
  });
  expect(browser.alive).toBe(false);
});

test('a drawing process that is another one counts as ended', async () => {
  await using browser = await Browser.launch({ mode: 'begin-frame' });
  await browser.checkProcesses();
  await browser.checkProcesses();
  const { pid } = await untilTool(toolPatterns.gpu);
  process.kill(pid, 'SIGKILL');
  const noticed = async () => browser.checkProcesses().catch((error: unknown) => error);
  expect(await until('the browser to notice', noticed)).toMatchObject({
    name: 'BrowserCrashedError',
    retryable: true,
  });
  expect(browser.alive).toBe(false);
});

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['on a machine', undefined, false],
  ['in a function', 'farm-render', true],
])('makes copies of itself for pages, but in functions: %s', async (_, name, starts) => {
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', name);
  // One that has seen no browser fail.
  vi.resetModules();
  const fresh = await import('../../src/worker/browser.ts');
  await using browser = await fresh.Browser.launch({ mode: 'begin-frame' });
  await browser.checkProcesses();
  const { command } = await untilTool(toolPatterns.browser);
  expect(command.includes('--no-zygote')).toBe(starts);
});

test('a closed browser leaves no process and no folder', async () => {
  const browser = await Browser.launch({ mode: 'screenshot' });
  await browser.checkProcesses();
  await browser.close();
  await browser.close();
  await expectNothingLeft();
});

describe('a browser that is killed while it starts', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Kills browsers just before the command of this number is sent to them. */
  function killAt(command: number, browsers: number): () => number {
    const send = DevTools.prototype.send;
    const start = ChromiumProcess.start;
    let [asked, killed] = [0, 0];
    const processes: ChromiumProcess[] = [];
    vi.spyOn(ChromiumProcess, 'start').mockImplementation(async (...args) => {
      asked = 0;
      const chromium = await start(...args);
      processes.push(chromium);
      if (command === 0 && killed++ < browsers) chromium.kill();
      return chromium;
    });
    vi.spyOn(DevTools.prototype, 'send').mockImplementation(function (this: DevTools, ...args) {
      if (++asked === command && killed++ < browsers) processes.at(-1)?.kill();
      return send.apply(this, args);
    });
    return () => processes.length;
  }

  test.each([0, 1, 2])('is started again, without copies of itself, at command %d', async (command) => {
    const started = killAt(command, 1);
    await using browser = await Browser.launch({ mode: 'begin-frame' });
    await browser.checkProcesses();
    expect([started(), browser.alive]).toEqual([2, true]);
    const { command: line } = await untilTool(toolPatterns.browser);
    expect(line).toContain('--no-zygote');
  });

  test('fails when it happens again, and leaves nothing', async () => {
    const started = killAt(1, 2);
    await expect(Browser.launch({ mode: 'begin-frame' })).rejects.toMatchObject({
      name: 'KitError',
      message: expect.stringContaining('doctor'),
    });
    expect(started()).toBe(2);
    await expectNothingLeft();
  });

  test('because the render is cancelled ends as cancelled, at once', async () => {
    const cancel = new AbortController();
    const start = ChromiumProcess.start;
    vi.spyOn(ChromiumProcess, 'start').mockImplementation(async (...args) => {
      const chromium = await start(...args);
      process.kill(chromium.pid, 'SIGSTOP');
      setTimeout(() => cancel.abort(), 50);
      return chromium;
    });
    const since = performance.now();
    await expect(Browser.launch({ mode: 'begin-frame' }, cancel.signal)).rejects.toMatchObject({
      name: 'AbortedError',
    });
    expect(performance.now() - since).toBeLessThan(10_000);
    await expectNothingLeft();
  });
});
