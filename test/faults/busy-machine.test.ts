import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { digests, fixture, Renderer } from '../helpers/renderer.ts';

const renderer = await Renderer.open();
afterAll(() => renderer[Symbol.asyncDispose]());

const FRAMES = 20;
/** A film with the numbers of its frames, under a veil that hides nothing, beside an animation of ten frames. */
const PAGE = `<!doctype html>
<meta name="helios-composition" content="width=320, height=180, fps=30, duration=${FRAMES / 30}">
<style>
  body { margin: 0; overflow: hidden; background: #246; }
  video { display: block; width: 320px; height: 180px; }
  .veil { position: absolute; inset: 0; background: #00000005; }
  .box { position: absolute; bottom: 0; width: 40px; height: 40px; background: #fa0; animation: box 0.33s ease-out; }
  @keyframes box { from { opacity: 0; translate: 200px; } }
</style>
<video src="clip.mp4" muted></video><div class="box"></div><div class="veil"></div>`;

/** Four times as many processes as cores, which never wait. */
class Load implements Disposable {
  readonly #processes: ChildProcess[] = Array.from({ length: 4 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );

  [Symbol.dispose](): void {
    for (const busy of this.#processes) busy.kill('SIGKILL');
  }
}

test('on a machine that has far too much to do, all frames are what they are on a quiet one', async () => {
  const source = path.join(renderer.folder, 'busy');
  await mkdir(source);
  await copyFile(path.join(fixture('barcode-video-30'), 'clip.mp4'), path.join(source, 'clip.mp4'));
  await writeFile(path.join(source, 'index.html'), PAGE);
  const job = { composition: { source }, cache: false, chunking: { segments: 2 } };
  const quiet = await renderer.render(job);
  using _load = new Load();
  const busy = await renderer.render(job);
  const wanted = Array.from({ length: FRAMES }, (_, frame) => frame);
  for (const { file, result } of [quiet, busy]) {
    expect(await decodeBarcodes(file)).toEqual(wanted);
    expect(result).toMatchObject({ frames: FRAMES, seekMode: 'seek', warnings: [] });
  }
  expect(digests(busy)).toEqual(digests(quiet));
});
