import { readFile } from 'node:fs/promises';
import puppeteer from 'puppeteer-core';
import { openKit } from '../../src/worker/kit.ts';

/** What a player showed. */
export interface Shown {
  readonly duration: number;
  /** Gray pictures, 320 by 180. */
  readonly pictures: number[][];
}

/** What a `<video>` of Chromium shows at some times, one after the other. */
export async function playVideo(file: string, seconds: readonly number[]): Promise<Shown> {
  const kit = await openKit();
  const browser = await puppeteer.launch({
    executablePath: kit.chromiumPath,
    env: { ...kit.env },
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--mute-audio'],
  });
  try {
    const page = await browser.newPage();
    return await page.evaluate(
      async (base64, times) => {
        const bytes = await (await fetch(`data:video/mp4;base64,${base64}`)).blob();
        const video = document.createElement('video');
        const event = (name: string) =>
          new Promise<void>((resolve, reject) => {
            video.addEventListener(name, () => resolve(), { once: true });
            video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true });
          });
        document.body.append(video);
        const loaded = event('loadeddata');
        video.src = URL.createObjectURL(bytes);
        await loaded;
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        if (!context) throw new Error('no canvas');
        const pictures: number[][] = [];
        for (const time of times) {
          const seeked = event('seeked');
          // On a busy machine the picture can come after the event; where it is the one before, none comes.
          const presented = new Promise<void>((resolve) => {
            video.requestVideoFrameCallback(() => resolve());
            setTimeout(resolve, 1_000);
          });
          video.currentTime = time;
          await seeked;
          await presented;
          context.drawImage(video, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          pictures.push(Array.from({ length: data.length / 4 }, (_, pixel) => data[4 * pixel] ?? 0));
        }
        return { duration: video.duration, pictures };
      },
      (await readFile(file)).toString('base64'),
      seconds,
    );
  } finally {
    await browser.close();
  }
}
