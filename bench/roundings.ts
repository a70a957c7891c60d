/**
 * How far pictures of a frame are apart when Chromium drew another frame before it: `npm run bench:roundings`.
 * The bounds of src/utils/rounding.ts come from it.
 */
import { parseArgs } from 'node:util';
import { comparePictures } from '../src/stitcher/compare-pictures.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import { encodingSchema } from '../src/types/encoding.ts';
import { pageOptionsSchema } from '../src/types/render-job.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import type { Browser } from '../src/worker/browser.ts';
import { Camera, type Scene } from '../src/worker/camera.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { compositionOf, subjects } from './prepare.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', default: 'DOM' }, frames: { type: 'string', default: '60' } },
});
const STRIDES = [3, 7];

async function takeEach(browser: Browser, scene: Scene, stride: number): Promise<Map<number, Buffer>> {
  await using camera = await Camera.open(browser, scene, 0);
  const taken = new Map<number, Buffer>();
  for (let frame = 0; frame < Number(values.frames); frame += stride)
    taken.set(frame, (await camera.take(frame)).picture.bytes);
  return taken;
}

async function measure(name: string, browser: Browser, scene: Scene): Promise<void> {
  const all = await takeEach(browser, scene, 1);
  const most = { levels: 0, pixels: 0 };
  let different = 0;
  let compared = 0;
  for (const stride of STRIDES) {
    for (const [frame, picture] of await takeEach(browser, scene, stride)) {
      const usual = all.get(frame) as Buffer;
      compared++;
      if (usual.equals(picture)) continue;
      different++;
      const found = await comparePictures(usual, picture);
      for (const part of ['levels', 'pixels'] as const) most[part] = Math.max(most[part], found[part] ?? 0);
    }
  }
  console.log(name, { compared, different, most });
}

await using folder = await createWorkFolder('bench');
const store = new LocalStore(folder.path);
await using worker = new ChromiumFrameWorker(store);
for (const subject of subjects(true).filter(({ name }) => name === values.only)) {
  const composition = await compositionOf(subject, store);
  const page = { ...pageOptionsSchema.parse({ capture: 'begin-frame' }), seekMode: 'seek' as const };
  const scene: Scene = { composition, page, encoding: encodingSchema.parse({ codec: 'png' }) };
  const kind = { mode: 'begin-frame', scale: 1 } as const;
  await worker.withBrowser(composition, kind, undefined, (browser) => measure(subject.name, browser, scene));
}
