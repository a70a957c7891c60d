/**
 * The DOM drawn into a canvas (`drawElementImage`, behind a flag of Chromium), beside the page as it is: `npm run
 * bench:drawn-dom`. Tells how far the pictures of both are from one another, and what a frame costs until it is read.
 * `--frames` to compare, `--keep <folder>` writes the last pictures there.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { LocalStore } from '../src/storage/local-store.ts';
import { pageOptionsSchema } from '../src/types/render-job.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { openKit } from '../src/worker/kit.ts';
import { PageSession } from '../src/worker/page-session.ts';
import { RawPictures } from '../src/worker/raw-pictures.ts';
import { compositionOf, subjects } from './prepare.ts';
import { cpuTimeOfTree } from './simulate/cpu-time.ts';

const { values } = parseArgs({
  options: { frames: { type: 'string', default: '60' }, keep: { type: 'string' } },
});
const FRAMES = Number(values.frames);
const MOST_TICKS = 4;

const DRAW_INTO_CANVAS = `(() => {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('layoutsubtree', '');
  Object.assign(canvas, { width: innerWidth, height: innerHeight });
  canvas.style.cssText = 'position:fixed;inset:0;display:block';
  const page = document.createElement('div');
  page.setAttribute('drawable', '');
  page.style.cssText = \`width:\${innerWidth}px;height:\${innerHeight}px\`;
  page.append(...document.body.childNodes);
  canvas.append(page);
  document.body.append(canvas);
  const context = canvas.getContext('2d');
  window.painted = 0;
  canvas.onpaint = () => { context.reset(); context.drawElementImage(page, 0, 0); window.painted++; };
  canvas.requestPaint();
})()`;

interface Seen {
  readonly pictures: readonly Buffer[];
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Starts this program again with a browser that has the flag. */
async function startWithFlag(): Promise<void> {
  const { chromiumPath, env } = await openKit();
  await using folder = await createWorkFolder('bench');
  const browser = path.join(folder.path, 'chromium');
  const flag = '--enable-blink-features=CanvasDrawElement';
  const script = `#!/bin/sh\nexport LD_LIBRARY_PATH='${env.LD_LIBRARY_PATH ?? ''}'\nexec '${chromiumPath}' ${flag} "$@"\n`;
  await writeFile(browser, script, { mode: 0o755 });
  const again = spawnSync(process.execPath, process.argv.slice(1), {
    env: { ...process.env, CHROMIUM_PATH: browser },
    stdio: 'inherit',
  });
  process.exitCode = again.status ?? 1;
}

async function measure(): Promise<void> {
  await using folder = await createWorkFolder('bench');
  const store = new LocalStore(path.join(folder.path, 'store'));
  await using worker = new ChromiumFrameWorker(store);
  const [subject] = subjects(false, FRAMES).filter(({ name }) => name === 'DOM');
  if (!subject) throw new Error('There is no look DOM.');
  const composition = await compositionOf(subject, store);
  const size = { width: composition.width, height: composition.height };
  const page = pageOptionsSchema.parse({});

  const see = (intoCanvas: boolean): Promise<Seen> =>
    worker.withBrowser(composition, { mode: 'begin-frame', scale: 1 }, undefined, async (browser) => {
      const options = { composition, page, scale: 1, transparent: false, framebuffer: true };
      await using session = await PageSession.open(browser, options);
      const { framebuffer, ticker } = session;
      if (!framebuffer) throw new Error("The browser's memory can't be read here.");
      if (intoCanvas) await session.evaluate(DRAW_INTO_CANVAS);
      const pictures: Buffer[] = [];
      const [since, cpuBefore] = [performance.now(), cpuTimeOfTree()];
      for (let frame = 1; frame <= FRAMES; frame++) {
        await session.step(frame);
        for (let tick = 0; tick < MOST_TICKS; tick++) if (!(await ticker.tick())) break;
        const picture = Buffer.alloc(size.width * size.height * 4);
        framebuffer.read(picture);
        pictures.push(picture);
      }
      const measured = { wallMs: performance.now() - since, cpuMs: cpuTimeOfTree() - cpuBefore };
      if (intoCanvas && (await session.evaluate<number>('painted')) < FRAMES)
        throw new Error('The canvas was not painted for each frame.');
      return { pictures, ...measured };
    });

  const asItIs = await see(false);
  const again = await see(false);
  const drawn = await see(true);
  console.log(`DOM, ${FRAMES} frames, one browser\n`);
  console.log(
    '| | ms a frame | CPU ms a frame | bytes that differ | most | PSNR |\n|---|---|---|---|---|---|',
  );
  const rows = { 'the page': asItIs, 'the page once more': again, 'drawn into a canvas': drawn };
  for (const [name, seen] of Object.entries(rows)) {
    const { share, most, psnr } = difference(asItIs.pictures, seen.pictures);
    const times = [seen.wallMs, seen.cpuMs].map((ms) => (ms / FRAMES).toFixed(1));
    const cells = [...times, `${(share * 100).toFixed(2)} %`, most, `${psnr.toFixed(1)} dB`];
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  if (!values.keep) return;
  await mkdir(values.keep, { recursive: true });
  const raw = new RawPictures(size, 'bgra');
  for (const [name, { pictures }] of Object.entries({ page: asItIs, canvas: drawn })) {
    raw.read({ read: (into) => into.set(pictures.at(-1) as Buffer) });
    await writeFile(path.join(values.keep, `${name}.png`), await (await raw.keep()).png);
  }
}

function difference(one: readonly Buffer[], other: readonly Buffer[]) {
  let [bytes, differ, most, squares] = [0, 0, 0, 0];
  for (const [index, a] of one.entries()) {
    const b = other[index] as Buffer;
    bytes += a.length;
    if (a.equals(b)) continue;
    for (let at = 0; at < a.length; at++) {
      const off = Math.abs((a[at] as number) - (b[at] as number));
      if (off === 0) continue;
      differ++;
      most = Math.max(most, off);
      squares += off * off;
    }
  }
  return { share: differ / bytes, most, psnr: 10 * Math.log10((255 * 255 * bytes) / squares) };
}

await (process.env.CHROMIUM_PATH ? measure() : startWithFlag());
