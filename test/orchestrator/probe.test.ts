import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceTo } from '../../src/index.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { planJob } from '../../src/orchestrator/plan.ts';
import { openProbed } from '../../src/orchestrator/probe.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { captureScale } from '../../src/types/codecs.ts';
import { renderJobSchema } from '../../src/types/render-job.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { browserKindOf } from '../../src/worker/chromium-flags.ts';
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
  // A JPEG of a rounding differs in whole blocks.
  { name: 'the same in screenshots', source: layers, frames: 20, capture: 'screenshot', seekMode: 'seek' },
  { name: 'the same, begun by us', source: layers, frames: 300, capture: 'begin-frame', seekMode: 'seek' },
  {
    name: 'in screenshots, a page that counts its own frames',
    source: fixture('barcode-state'),
    frames: 90,
    capture: 'screenshot',
    seekMode: 'replay',
  },
  {
    name: 'a page that counts its own frames',
    source: fixture('barcode-state'),
    frames: 90,
    seekMode: 'replay',
  },
])('$name, $frames frames: $seekMode', async ({ source, frames, capture = 'auto', seekMode }) => {
  const ref = await referenceTo(source, store);
  const composition = { source, durationInFrames: frames };
  const job = { id: 'probe', composition, page: { capture }, outputPath: 'out.mp4' };
  const summary = await handlers.plan({ job, ref });
  expect(summary.seekMode).toBe(seekMode);
});

test.each([
  [1, 'html', 'black', 'replay'],
  [2, 'html', 'black', 'replay'],
  [2, 'html', 'rgb(254 254 254)', 'replay'],
  [2, 'p', 'rgb(249 249 249)', 'replay'],
  [2, 'p', 'rgb(254 254 254)', 'seek'],
] as const)(
  'a page that stays as it was gone to, with %d workers, its %s white or %s: %s',
  async (capacity, part, mark, seekMode) => {
    const source = path.join(folder.path, `stays-${part}-${mark}`);
    await mkdir(source, { recursive: true });
    const page = `<!doctype html><style>html { background: white } p { width: 8px; height: 4px }</style><p></p><script>
    // Three late frames that follow each other leave their mark; those after them change nothing.
    let [last, row] = [0, 0];
    requestAnimationFrame(function look() {
      const frame = Math.round(performance.now() * 0.03);
      row = frame === last + 1 && frame > 20 ? row + 1 : 0;
      last = frame;
      if (row === 3) document.querySelector('${part}').style.background = '${mark}';
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
      chunking: { segments: 2 },
      outputPath: 'out.mp4',
    });
    await using worker = new ChromiumFrameWorker(store);
    const plan = await planJob(job, { ref, worker, capacity, idleIsFree: true });
    expect(plan.seekMode).toBe(seekMode);
  },
);

describe('a page that was opened before it was known what it is', () => {
  const HD = 'width=1920, height=1080, fps=30, duration=3';
  test.each([
    { name: 'serves for the look', meta: HD, spec: {}, encoding: {}, serves: true },
    {
      name: 'of another size does not',
      meta: HD.replace('1920', '1280'),
      spec: {},
      encoding: {},
      serves: false,
    },
    {
      name: 'of another frame rate does not',
      meta: HD.replace('30', '25'),
      spec: {},
      encoding: {},
      serves: false,
    },
    { name: 'at another scale does not', meta: HD, spec: {}, encoding: { scale: 2 }, serves: false },
    {
      name: 'serves at the size of the job',
      meta: HD,
      spec: { width: 640, height: 360 },
      encoding: {},
      serves: true,
    },
    {
      name: 'whose timers ran does not',
      meta: undefined,
      spec: { width: 1920, height: 1080, fps: 30, durationInFrames: 90 },
      encoding: {},
      serves: false,
    },
  ])('$name', async ({ meta, spec, encoding, serves }) => {
    const source = path.join(folder.path, 'early');
    await mkdir(source, { recursive: true });
    const head = meta ? `<meta name="helios-composition" content="${meta}">` : '';
    await writeFile(path.join(source, 'index.html'), `<!doctype html>${head}<p>Here`);
    const ref = await referenceTo(source, store);
    const job = renderJobSchema.parse({
      id: 'early',
      composition: { source, ...spec },
      outputPath: 'out.mp4',
      encoding,
    });
    const page = { ...job.page, seekMode: 'seek' as const };
    await using worker = new ChromiumFrameWorker(store);
    await worker.withBrowser(
      { ref },
      browserKindOf(page, captureScale(job.encoding)),
      undefined,
      async (browser) => {
        await using opened = await openProbed(browser, job.composition, ref, page, job.encoding);
        const { composition } = opened.probe;
        const session = opened.sessionFor({ composition, encoding: job.encoding, page });
        expect(session !== undefined).toBe(serves);
        expect(session?.frame).toBe(serves ? 0 : undefined);
      },
    );
  });
});
