import { once } from 'node:events';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { LocalStore } from '../src/storage/local-store.ts';
import { pageOptionsSchema } from '../src/types/render-job.ts';
import { startFfmpeg } from '../src/utils/ffmpeg.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { PageSession } from '../src/worker/page-session.ts';
import { compositionOf, type Subject } from './prepare.ts';

/** @returns frames/s without the start */
export async function measureNaive(subject: Subject): Promise<number> {
  await using folder = await createWorkFolder('naive');
  return await renderNaively(subject, path.join(folder.path, 'out.mp4'));
}

/** The loop that most tools begin with: seek, `Page.captureScreenshot` as PNG, into FFmpeg. @returns frames/s */
export async function renderNaively(subject: Subject, output: string): Promise<number> {
  await using folder = await createWorkFolder('naive');
  const store = new LocalStore(folder.path);
  const composition = await compositionOf(subject, store);
  await using worker = new ChromiumFrameWorker(store);
  return await worker.withBrowser(composition, { mode: 'screenshot' }, undefined, async (browser) => {
    const options = { composition, page: pageOptionsSchema.parse({}), scale: 1, transparent: false };
    await using session = await PageSession.open(browser, options);
    await session.ticker.shoot({ format: 'png' });
    const ffmpeg = startFfmpeg([
      ...['-f', 'image2pipe', '-framerate', '30', '-i', 'pipe:0'],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'],
      output,
    ]);
    const since = performance.now();
    for (let frame = 0; frame < subject.naiveFrames; frame++) {
      await session.step(frame);
      const picture = await session.ticker.shoot({ format: 'png' });
      if (!picture) throw new Error('the browser gave no picture');
      if (!ffmpeg.stdin.write(Buffer.from(picture, 'base64'))) await once(ffmpeg.stdin, 'drain');
    }
    ffmpeg.stdin.end();
    await ffmpeg.done;
    return subject.naiveFrames / ((performance.now() - since) / 1000);
  });
}
