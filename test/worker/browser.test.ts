import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrowserCrashedError } from '../../src/utils/errors.ts';
import { Browser } from '../../src/worker/browser.ts';
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

test.each(['gpu', 'network'] as const)('a %s process that is another one counts as ended', async (kind) => {
  await using browser = await Browser.launch({ mode: 'begin-frame' });
  await browser.checkProcesses();
  await browser.checkProcesses();
  const { pid } = await untilTool(toolPatterns[kind]);
  process.kill(pid, 'SIGKILL');
  const noticed = async () => browser.checkProcesses().catch((error: unknown) => error);
  expect(await until('the browser to notice', noticed)).toMatchObject({
    name: 'BrowserCrashedError',
    retryable: true,
  });
  expect(browser.alive).toBe(false);
});

test('a closed browser leaves no process and no folder', async () => {
  const browser = await Browser.launch({ mode: 'screenshot' });
  await browser.checkProcesses();
  await browser.close();
  await browser.close();
  await expectNothingLeft();
});
