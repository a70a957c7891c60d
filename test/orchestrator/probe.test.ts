import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceTo } from '../../src/index.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { planJob } from '../../src/orchestrator/plan.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { renderJobSchema } from '../../src/types/render-job.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
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

test.each([1, 2])(
  'a page that stays as it was gone to is stepped through, with %d workers',
  async (capacity) => {
    const source = path.join(folder.path, 'stays');
    await mkdir(source, { recursive: true });
    const page = `<!doctype html><style>html { background: white }</style><script>
    // Three late frames that follow each other leave their mark; those after them change nothing.
    let [last, row] = [0, 0];
    requestAnimationFrame(function look() {
      const frame = Math.round(performance.now() * 0.03);
      row = frame === last + 1 && frame > 20 ? row + 1 : 0;
      last = frame;
      if (row === 3) document.documentElement.style.background = 'black';
      requestAnimationFrame(look);
    });
  </script>`;
    await writeFile(path.join(source, 'index.html'), page);
    const ref = await referenceTo(source, store);
    const composition = { source, durationInFrames: 90, fps: 30, width: 320, height: 180 };
    const job = renderJobSchema.parse({
      id: 'stays',
      cache: false,
      composition,
      outputPath: 'out.mp4',
    });
    await using worker = new ChromiumFrameWorker(store);
    const plan = await planJob(job, { ref, worker, capacity, idleIsFree: true });
    expect(plan.seekMode).toBe('replay');
  },
);
