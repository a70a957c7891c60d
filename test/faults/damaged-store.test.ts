import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RenderResult } from '../../src/types/render-result.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { FaultScene, frameNumbers } from '../helpers/fault-scene.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
  await expectWhole(await render());
});
afterAll(() => scene[Symbol.asyncDispose]());

const FRAMES = 20;
/** Renders once more what was rendered before, in two segments. */
function render(): Promise<RenderResult> {
  return scene.render({
    outputPath: path.join(scene.folder, 'video.mp4'),
    composition: { durationInFrames: FRAMES },
    encoding: { muted: true },
    chunking: { segments: 2 },
  });
}

async function expectWhole({ output }: RenderResult): Promise<void> {
  expect(await decodeBarcodes(output)).toEqual(frameNumbers(0, FRAMES));
}

const segments = () => path.join(scene.store.url, 'segments');
const files = async (extension: string): Promise<string[]> => {
  const names = await readdir(segments(), { recursive: true });
  return names.filter((name) => name.endsWith(extension)).map((name) => path.join(segments(), name));
};
const newest = async (extension: string): Promise<string> => (await files(extension))[0] as string;

describe('a segment that is damaged in the store', () => {
  test('an undamaged one is found', async () => {
    const result = await render();
    expect(result.segments).toEqual({ total: 2, cached: 2, rendered: 0 });
    await expectWhole(result);
  });

  test('cut off: it is rendered again', async () => {
    await truncate(await newest('.mp4'), 1_000);
    const result = await render();
    expect(result.segments).toEqual({ total: 2, cached: 1, rendered: 1 });
    await expectWhole(result);
  });

  test.each([50, 0.5, -50])('of the same size with other bytes (at %d): it is rendered again', async (at) => {
    const file = await newest('.mp4');
    const bytes = await readFile(file);
    const place = Math.floor(at < 0 ? bytes.length + at : at < 1 ? bytes.length * at : at);
    for (let i = place; i < place + 16; i++) bytes[i] = (bytes[i] ?? 0) ^ 0xff;
    await writeFile(file, bytes);
    const result = await render();
    expect(result.segments).toEqual({ total: 2, cached: 1, rendered: 1 });
    await expectWhole(result);
    expect((await render()).segments.cached).toBe(2);
  });

  test('gone: it is rendered again', async () => {
    const file = await newest('.mp4');
    await rm(file);
    const result = await render();
    expect(result.segments).toEqual({ total: 2, cached: 1, rendered: 1 });
    await expectWhole(result);
  });

  test("another one's video in its place: it is rendered again", async () => {
    const [first = '', second = ''] = await files('.mp4');
    await writeFile(first, await readFile(second));
    const result = await render();
    expect(result.segments.rendered).toBe(1);
    await expectWhole(result);
  });

  test("another one's record in its place: it is rendered again", async () => {
    const [first = '', second = ''] = await files('.json');
    await writeFile(first, await readFile(second));
    const result = await render();
    expect(result.segments.rendered).toBe(1);
    await expectWhole(result);
  });

  test.each(['', '{"index":0', 'null', '{}', '\0\0\0\0'])(
    'its record is %j: it is rendered again',
    async (text) => {
      await writeFile(await newest('.json'), text);
      const result = await render();
      expect(result.segments.rendered).toBe(1);
      await expectWhole(result);
    },
  );
});

test.each(['probes', 'bundles', 'blobs'])('files of %s that are cut off are made anew', async (folder) => {
  const at = path.join(scene.store.url, folder);
  for (const name of await readdir(at)) await truncate(path.join(at, name), 5);
  if (folder !== 'probes') await rm(path.join(scene.store.url, 'probes'), { recursive: true });
  await rm(segments(), { recursive: true });
  await expectWhole(await render());
});

test.each(['probes', 'blobs'])('files of %s with other bytes are made anew', async (folder) => {
  const at = path.join(scene.store.url, folder);
  for (const name of await readdir(at)) {
    const { size } = await stat(path.join(at, name));
    await writeFile(path.join(at, name), '{}'.padEnd(size));
  }
  await rm(segments(), { recursive: true });
  await expectWhole(await render());
});
