/** Run by start-up.ts in a process of its own: takes one picture and prints what the way there cost, in ms. */
import { performance } from 'node:perf_hooks';
import type { Subject } from './prepare.ts';

const { LocalStore } = await import('../src/storage/local-store.ts');
const { ChromiumFrameWorker } = await import('../src/worker/chromium-frame-worker.ts');
const { openKit } = await import('../src/worker/kit.ts');
const { Camera } = await import('../src/worker/camera.ts');
const { encodingSchema } = await import('../src/types/encoding.ts');
const { pageOptionsSchema } = await import('../src/types/render-job.ts');
const { compositionOf } = await import('./prepare.ts');

const marks: Record<string, number> = { imports: performance.now() };
let last = performance.now();
const mark = (part: string): void => {
  marks[part] = performance.now() - last;
  last = performance.now();
};
const [folder = '', store = ''] = process.argv.slice(2);
const subject: Subject = { name: '', title: '', folder, frames: 1, naiveFrames: 1 };
await openKit();
mark('unpack');
const composition = await compositionOf(subject, new LocalStore(store));
mark('bundle');
await using worker = new ChromiumFrameWorker(new LocalStore(store));
await worker.withBrowser(composition, { mode: 'begin-frame' }, undefined, async (browser) => {
  mark('launch');
  const page = { ...pageOptionsSchema.parse({}), seekMode: 'seek' as const };
  await using camera = await Camera.open(
    browser,
    { composition, page, encoding: encodingSchema.parse({}) },
    0,
  );
  mark('page');
  await camera.take(0);
  mark('picture');
});
const total = Object.values(marks).reduce((sum, ms) => sum + ms, 0);
console.log(JSON.stringify({ ...marks, total }));
