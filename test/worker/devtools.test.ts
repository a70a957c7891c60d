import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { PageLimitError } from '../../src/utils/errors.ts';
import { DevTools } from '../../src/worker/devtools.ts';

const MAX = 100;

function connect() {
  const [output, input] = [new PassThrough(), new PassThrough()];
  const devTools = new DevTools(output, input, MAX);
  const asked: unknown[] = [];
  output.on('data', (text: Buffer) => asked.push(JSON.parse(text.toString().slice(0, -1))));
  const heard: string[] = [];
  devTools.root.on('Target.targetCrashed', ({ status }) => heard.push(status));
  const errors: unknown[] = [];
  devTools.onOversized = (error) => errors.push(error);
  let ends = 0;
  devTools.onEnd = () => ends++;
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { devTools, input, asked, heard, errors, settled, ends: () => ends };
}

/** A message of so many bytes. */
function event(status: string, bytes = 0): string {
  const text = JSON.stringify({ method: 'Target.targetCrashed', params: { status } });
  return text.padEnd(bytes);
}

test('a command is answered by its number, in any order', async () => {
  const { devTools, input, asked, settled } = connect();
  const [first, second] = [devTools.root.send('Browser.getVersion'), devTools.root.send('Target.getTargets')];
  await settled();
  expect(asked).toEqual([
    { id: 1, method: 'Browser.getVersion', params: {} },
    { id: 2, method: 'Target.getTargets', params: {} },
  ]);
  input.write('{"id":2,"result":{"b":2}}\0{"id":1,"result":{"a":1}}\0');
  expect(await Promise.all([first, second])).toEqual([{ a: 1 }, { b: 2 }]);
});

test('a refused command rejects with its name and the reason', async () => {
  const { devTools, input } = connect();
  const asked = devTools.root.send('Browser.getVersion');
  input.write('{"id":1,"error":{"message":"No","data":"why"}}\0');
  await expect(asked).rejects.toThrow('Browser.getVersion: No why');
});

test('a session hears its own events, and ends with its target', async () => {
  const { devTools, input, asked, settled } = connect();
  const attached = once(devTools.root, 'Target.attachedToTarget');
  input.write('{"method":"Target.attachedToTarget","params":{"sessionId":"s"}}\0');
  await attached;
  const session = devTools.session('s');
  const loaded = once(session, 'Page.loadEventFired');
  const never = session.send('Page.enable');
  await settled();
  expect(asked).toEqual([{ id: 1, method: 'Page.enable', params: {}, sessionId: 's' }]);
  input.write('{"sessionId":"s","method":"Page.loadEventFired","params":{}}\0');
  expect(await loaded).toEqual([{}]);
  input.write('{"method":"Target.detachedFromTarget","params":{"sessionId":"s"}}\0');
  await expect(never).rejects.toMatchObject({ name: 'BrowserCrashedError', retryable: true });
  expect(() => devTools.session('s')).toThrow('no session s');
});

test('what is asked when the pipe ends, and later, rejects', async () => {
  const { devTools, input, ends } = connect();
  const asked = devTools.root.send('Browser.getVersion');
  input.destroy();
  await expect(asked).rejects.toThrow('connection has ended');
  await expect(devTools.root.send('Browser.close')).rejects.toThrow('connection has ended');
  expect(ends()).toBe(1);
});

test.each([1, 7, 1000])('messages below the bound are heard, in pieces of %d bytes', async (size) => {
  const { input, heard, errors, settled } = connect();
  const text = Buffer.from(`${event('a')}\0${event('ü')}\0${event('c', MAX - 1)}\0`);
  for (let at = 0; at < text.length; at += size) input.write(text.subarray(at, at + size));
  await settled();
  expect({ heard, errors }).toEqual({ heard: ['a', 'ü', 'c'], errors: [] });
});

test('a picture may be longer', async () => {
  const { devTools, input, heard, errors, settled } = connect();
  devTools.allowMessages(2 * MAX);
  input.write(`${event('a', 2 * MAX - 1)}\0`);
  await settled();
  expect({ heard, errors }).toEqual({ heard: ['a'], errors: [] });
  devTools.allowMessages(0);
  input.write(`${event('b', MAX - 1)}\0${event('c', MAX)}\0`);
  await settled();
  expect({ heard, errors }).toEqual({ heard: ['a', 'b'], errors: [expect.any(PageLimitError)] });
});

test.each([1, 7, 1000])('a longer one ends the reading, in pieces of %d bytes', async (size) => {
  const { input, heard, errors, settled, ends } = connect();
  const text = Buffer.from(`${event('a')}\0${event('b', MAX)}\0${event('c')}\0`);
  for (let at = 0; at < text.length && !input.destroyed; at += size) {
    input.write(text.subarray(at, at + size));
    await settled();
  }
  expect(heard).toEqual(['a']);
  expect(errors).toEqual([expect.any(PageLimitError)]);
  expect(errors[0]).toMatchObject({ details: { limit: 'message', bytes: MAX } });
  expect({ ends: ends(), destroyed: input.destroyed }).toEqual({ ends: 1, destroyed: true });
});
