import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceTo } from '../../src/index.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { fixture } from '../helpers/renderer.ts';

let folder: WorkFolder;
let store: LocalStore;
let handlers: Handlers;

beforeAll(async () => {
  folder = await createWorkFolder('probe');
  store = new LocalStore(folder.path);
  handlers = new Handlers(store);
});
afterAll(async () => {
  await handlers[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

// Chromium draws turned and scaled layers a rounding differently after another frame: no reason to replay.
const layers = path.resolve('bench/compositions/dom');

test.each([
  { name: 'layers that turn and scale', source: layers, frames: 1, seekMode: 'seek' },
  { name: 'layers that turn and scale', source: layers, frames: 300, seekMode: 'seek' },
  {
    name: 'a page that counts its own frames',
    source: fixture('barcode-state'),
    frames: 90,
    seekMode: 'replay',
  },
])('$name, $frames frames: $seekMode', async ({ source, frames, seekMode }) => {
  const ref = await referenceTo(source, store);
  const composition = { source, durationInFrames: frames };
  const summary = await handlers.plan({ job: { id: 'probe', composition, outputPath: 'out.mp4' }, ref });
  expect(summary.seekMode).toBe(seekMode);
});
