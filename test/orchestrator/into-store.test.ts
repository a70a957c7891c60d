import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { downloadOutput } from '../../src/adapters/download-output.ts';
import { renderLocally } from '../../src/orchestrator/render-locally.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { frameNumbers } from '../helpers/fault-scene.ts';
import { workFoldersOf } from '../helpers/processes.ts';
import { fixture } from '../helpers/renderer.ts';

const FRAMES = 6;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-into-store-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Knows which outputs came, and which temporary folders there were then. */
class WatchedStore extends LocalStore {
  readonly outputs: [key: string, contentType: string | undefined][] = [];
  readonly folders: string[] = [];
  override async put(...[key, body, options]: Parameters<ObjectStore['put']>): Promise<void> {
    await this.#watch(key, options?.contentType);
    await super.put(key, body);
  }
  override async compose(...[key, sections, options]: Parameters<ObjectStore['compose']>): Promise<void> {
    await this.#watch(key, options?.contentType);
    await super.compose(key, sections, options);
  }
  async #watch(key: string, contentType: string | undefined): Promise<void> {
    if (!key.includes('/output')) return;
    this.outputs.push([key, contentType]);
    this.folders.push(...(await workFoldersOf()));
  }
}

async function render(id: string, outputPath: string, encoding: RenderJobInput['encoding'] = {}) {
  const store = new WatchedStore(path.join(folder, 'store'));
  const composition = { source: fixture('barcode-raf'), durationInFrames: FRAMES };
  const job = {
    id,
    composition,
    outputPath,
    encoding: { ...encoding, muted: true },
    chunking: { segments: 2 },
  };
  const result = await renderLocally(job, { store, concurrency: 1, intoStore: true });
  return { store, result, madeFile: store.folders.some((name) => /-(output|stitch)-/.test(name)) };
}

test.each([
  ['mp4', 'kit', 'video/mp4'],
  ['MP4', 'kit', 'video/mp4'],
  ['mkv', 'ffmpeg', 'video/x-matroska'],
  ['MKV', 'ffmpeg', 'video/x-matroska'],
] as const)('an output of .%s, by %s, as %s', async (extension, joinedBy, contentType) => {
  const { store, result, madeFile } = await render(`to-${extension}`, `out.${extension}`);
  const key = keys.output(`to-${extension}`, extension.toLowerCase());
  expect(result).toMatchObject({ output: `${store.url}/${key}`, joinedBy });
  expect(result.bytes).toBe((await store.head(key))?.size);
  expect(store.outputs).toEqual([[key, contentType]]);
  const brought = await downloadOutput(store, `to-${extension}`, path.join(folder, `brought.${extension}`));
  expect(brought.bytes).toBe(result.bytes);
  expect(madeFile).toBe(joinedBy === 'ffmpeg');
  expect(await decodeBarcodes(store.localPath(key))).toEqual(frameNumbers(0, FRAMES));
});

test('pictures', async () => {
  const { store, result } = await render('pictures', 'frames', { codec: 'png' });
  expect(result.output).toBe(`${store.url}/renders/pictures/output`);
  const names = await readdir(result.output);
  expect(names.sort()).toEqual(frameNumbers(0, FRAMES).map((frame) => `0000${frame}.png`));
});
