import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceTo } from '../../src/index.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ResolvedComposition } from '../../src/types/composition.ts';
import { pageOptionsSchema } from '../../src/types/render-job.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { PageSession } from '../../src/worker/page-session.ts';
import { showsSame } from '../../src/worker/same-picture.ts';

const size = { width: 320, height: 180 };
const thin = 'font: 10px monospace; line-height: 11px';
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(60);
/** Each moves a little from one frame to the next. */
const looks = {
  'green text': `<body style="margin: 0; background: #000; color: #0f0; ${thin}">${text}`,
  'red on blue': `<body style="margin: 0; background: #00f; color: #f00; ${thin}">${text}`,
  stripes: '<body style="background: repeating-linear-gradient(90deg, #0f0 0 1px, #000 1px 2px)">',
  gradient: '<body style="background: linear-gradient(70deg, #f0f, #ff0, #0ff)">',
};
let folder: WorkFolder;
beforeAll(async () => {
  folder = await createWorkFolder('same-picture');
});
afterAll(() => folder[Symbol.asyncDispose]());

describe.each(Object.entries(looks))('%s', (name, body) => {
  const pictures = async (frame: number, qualities: readonly number[]) => {
    const source = path.join(folder.path, name);
    await mkdir(source, { recursive: true });
    const moving = '<script>requestAnimationFrame(function go() { document.body.style.paddingTop = ';
    const script = `${moving}Math.round(performance.now() * 0.03) * 20 + 'px'; requestAnimationFrame(go); })</script>`;
    await writeFile(path.join(source, 'index.html'), `<!doctype html>${body}${script}`);
    const store = new LocalStore(path.join(folder.path, 'store'));
    await using worker = new ChromiumFrameWorker(store);
    const ref = await referenceTo(source, store);
    const composition: ResolvedComposition = {
      ...{ ...size, ref, kind: 'page', fps: 30, durationInFrames: 9, inputProps: {} },
    };
    const page = pageOptionsSchema.parse({});
    return worker.withBrowser({ ref }, { mode: 'begin-frame' }, undefined, async (browser) => {
      await using session = await PageSession.open(browser, {
        ...{ composition, page, scale: 1, transparent: false },
      });
      await session.step(frame);
      const shoot = async (screenshot: Parameters<typeof session.ticker.shoot>[0]) =>
        Buffer.from((await session.ticker.shoot(screenshot)) ?? '', 'base64');
      const png = await shoot({ format: 'png' });
      const jpegs: Buffer[] = [];
      for (const quality of qualities) jpegs.push(await shoot({ format: 'jpeg', quality }));
      return { png, jpegs };
    });
  };

  test('is the same as JPEG of any quality', async () => {
    const qualities = [100, 95, 90, 50, 10, 1];
    const { png, jpegs } = await pictures(2, qualities);
    for (const [at, jpeg] of jpegs.entries())
      expect(await showsSame(jpeg, png, qualities[at] as number), `quality ${qualities[at]}`).toBe(true);
  });

  test.skipIf(name === 'stripes' || name === 'gradient')('of another frame is another', async () => {
    const { png } = await pictures(2, []);
    const { jpegs } = await pictures(8, [95]);
    expect(await showsSame(jpegs[0] as Buffer, png, 95)).toBe(false);
  });
});
