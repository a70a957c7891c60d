import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CompositionLoadError, CompositionNotFoundError, FrameTimeoutError } from '../../src/utils/errors.ts';
import { FaultScene } from '../helpers/fault-scene.ts';
import { fixture } from '../helpers/renderer.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

describe('a composition that can not be read', () => {
  test('a folder that is not there', async () => {
    const source = path.join(scene.folder, 'nowhere');
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionNotFoundError);
    expect(error.message).toContain(`There is no composition at ${source}`);
    expect(error.details).toEqual({ source });
  });

  test('a folder without an HTML page', async () => {
    const source = fixture('bad/no-html');
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionNotFoundError);
    expect(error.message).toContain('has no HTML page. Add an index.html');
    expect(error.details).toEqual({ source });
  });

  test('a folder with two pages, neither named index.html', async () => {
    const source = await scene.page('two-pages', '');
    for (const name of ['a.html', 'b.html']) await writeFile(path.join(source, name), '<p>');
    await rm(path.join(source, 'index.html'));
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionNotFoundError);
    expect(error.message).toContain('has 2 HTML pages and none is index.html');
  });

  test('a text file', async () => {
    const source = fixture('bad/no-html/readme.txt');
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionNotFoundError);
    expect(error.message).toContain('readme.txt is not an HTML page. Give a folder with an index.html');
  });

  test('leaves its error in the store', async () => {
    await scene.fail({ id: 'told', composition: { source: fixture('bad/no-html') } });
    expect(await scene.store.head('renders/told/error.json')).toBeDefined();
  });
});

describe('an address', () => {
  const open = new Set<() => void>();
  afterAll(() => {
    for (const close of open) close();
  });

  async function serve(listener: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(listener as never);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.add(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  test.each(['http://', 'https://exa mple.test/', 'http://[::1'])('that is none: %s', async (source) => {
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionNotFoundError);
    expect(error.message).toContain(`${source} is not an address`);
    expect(error.details).toEqual({ source });
  });

  test('whose server never answers', async () => {
    const source = await serve(() => {});
    const error = await scene.fail({ composition: { source }, page: { timeouts: { load: 1_500 } } });
    expect(error).toBeInstanceOf(FrameTimeoutError);
    expect(error.message).toContain('After 1500 ms while the page loaded still waited for');
    expect(error.details).toMatchObject({ waitingFor: [source], timeoutMs: 1_500 });
  });

  test.each(['not here', ''])('whose server answers 404 (body %j)', async (body) => {
    const source = await serve((_, response) => response.writeHead(404).end(body));
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionLoadError);
    expect(error.message).toContain(`The page ${source} could not be loaded: `);
    expect(error.details).toEqual({ url: source });
  });

  test('that refuses the connection', async () => {
    const source = await serve(() => {});
    for (const close of open) close();
    const error = await scene.fail({ composition: { source } });
    expect(error).toBeInstanceOf(CompositionLoadError);
    expect(error.message).toContain('could not be loaded: connect ECONNREFUSED');
    expect(error.details).toEqual({ url: source });
  });
});
