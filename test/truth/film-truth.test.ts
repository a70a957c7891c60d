import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { barcodeLayout, barcodeRow, decodeBarcodes } from '../helpers/barcode.ts';
import { digests, fixture, Renderer } from '../helpers/renderer.ts';

const renderer = await Renderer.open();
afterAll(() => renderer[Symbol.asyncDispose]());

const FRAMES = 42;

/** A composition around a film of 90 frames, each with its number as a barcode. */
async function page(name: string, body: string): Promise<string> {
  const folder = path.join(renderer.folder, name);
  await mkdir(folder);
  await copyFile(path.join(fixture('barcode-video-30'), 'clip.mp4'), path.join(folder, 'clip.mp4'));
  await copyFile(path.join(fixture('sounds'), 'tone.flac'), path.join(folder, 'tone.flac'));
  await writeFile(
    path.join(folder, 'index.html'),
    `<!doctype html>
<meta name="helios-composition" content="width=320, height=180, fps=30, duration=${FRAMES / 30}">
<style>body { margin: 0; overflow: hidden } video, canvas { display: block; width: 320px; height: 180px }</style>
${body}`,
  );
  return folder;
}

/** Draws a film into a canvas in each frame. */
const drawn = (film: string, style = ''): string => `${film}
<canvas width="320" height="180"></canvas>
<script>
const film = document.querySelector('video') ?? made();
const context = document.querySelector('canvas').getContext('2d');
requestAnimationFrame(function draw() {
  context.drawImage(film, 0, 0, 320, 180);
  requestAnimationFrame(draw);
});
</script>
<style>video { position: absolute; ${style} }</style>`;

const COVER = 4_000;

/** A barcode of plain boxes, which hide all that lies under them. */
function cover(): string {
  const { x, y, block } = barcodeLayout;
  const box = (left: number, top: number, width: number, height: number, color: string): string =>
    `<div style="position:absolute;left:${left}px;top:${top}px;width:${width}px;height:${height}px;background:${color}"></div>`;
  const blocks = barcodeRow(COVER).flatMap((bit, i) => [
    box(x + i * block, y, block, block, bit ? '#fff' : '#000'),
    box(x + i * block, y + block, block, block, bit ? '#000' : '#fff'),
  ]);
  return box(0, 0, 320, 180, '#888') + blocks.join('');
}

const pages: Readonly<Record<string, string>> = {
  'a film without display drawn into a canvas': drawn(
    '<video src="clip.mp4" muted></video>',
    'display: none',
  ),
  'a transparent film drawn into a canvas': drawn('<video src="clip.mp4" muted></video>', 'opacity: 0'),
  'a film from a template drawn into a canvas':
    drawn(`<template><video src="clip.mp4" muted></video></template>
<script>
const made = () => document.importNode(document.querySelector('template').content, true).firstChild;
</script>`),
  'a film drawn into a canvas': `<canvas width="320" height="180"></canvas>
<script>
const film = document.createElement('video');
film.muted = true;
film.src = 'clip.mp4';
film.play();
const context = document.querySelector('canvas').getContext('2d');
requestAnimationFrame(function draw() {
  context.drawImage(film, 0, 0, 320, 180);
  requestAnimationFrame(draw);
});
</script>`,
  'a film that the page seeks by itself, with detours': `<video src="clip.mp4" muted></video>
<script>
const film = document.querySelector('video');
film.pause();
const fps = 30;
requestAnimationFrame(function scrub(now) {
  const frame = Math.round((now * fps) / 1000);
  film.currentTime = 2.5;
  film.currentTime = 0.1;
  film.currentTime = (frame + 0.5) / fps;
  requestAnimationFrame(scrub);
});
</script>`,
  'a film in front of a sound that is called a video': `<video src="clip.mp4" muted></video>
<video src="tone.flac" muted></video>`,
};

test.each(Object.entries(pages))('%s shows the same frames in any number of segments', async (name, body) => {
  const composition = { source: await page(name.replaceAll(' ', '-'), body) };
  const whole = await renderer.render({ composition, chunking: { segments: 1 } });
  expect(await decodeBarcodes(whole.file)).toEqual(Array.from({ length: FRAMES }, (_, frame) => frame));
  const parts = await renderer.render({ composition, chunking: { segments: 6 } });
  expect(digests(parts)).toEqual(digests(whole));
});

test('a film that was hidden shows the right frame when it comes back', async () => {
  const composition = {
    source: await page(
      'hidden',
      `<video src="clip.mp4" muted></video>
<script>
const film = document.querySelector('video');
requestAnimationFrame(function toggle(now) {
  film.style.display = now < 700 && now > 200 ? 'none' : 'block';
  requestAnimationFrame(toggle);
});
</script>`,
    ),
  };
  for (const seekMode of ['seek', 'replay'] as const) {
    const { file } = await renderer.render({
      composition,
      frameRange: [21, FRAMES],
      chunking: { segments: 3 },
      page: { seekMode },
    });
    expect(await decodeBarcodes(file)).toEqual(Array.from({ length: FRAMES - 21 }, (_, frame) => frame + 21));
  }
});

test.each([
  ['is covered for a frame', 'frame !== 20', (frame: number) => frame === 20],
  ['is uncovered for a frame', 'frame === 20', (frame: number) => frame !== 20],
])('a film that %s is there whenever it is uncovered', async (name, uncovered, isCovered) => {
  const composition = {
    source: await page(
      name.replaceAll(' ', '-'),
      `<video src="clip.mp4" muted></video>
<section>${cover()}</section>
<script>
requestAnimationFrame(function toggle(now) {
  const frame = Math.round((now * 30) / 1000);
  document.querySelector('section').style.display = ${uncovered} ? 'none' : 'block';
  requestAnimationFrame(toggle);
});
</script>`,
    ),
  };
  const { file } = await renderer.render({
    composition,
    frameRange: [14, 26],
    chunking: { segments: 2 },
    page: { seekMode: 'seek' },
  });
  expect(await decodeBarcodes(file)).toEqual(
    Array.from({ length: 12 }, (_, i) => (isCovered(i + 14) ? COVER : i + 14)),
  );
});

test('a film that comes into view for a frame is there, also when the page changes as it is moved', async () => {
  const composition = {
    source: await page(
      'comes',
      `<video src="clip.mp4" muted style="position: absolute"></video>
<section style="position: relative; z-index: -1">${cover()}</section>
<p style="position: absolute; top: 100px"></p>
<script>
const film = document.querySelector('video');
let seeks = 0;
film.addEventListener('seeked', () => { document.querySelector('p').textContent = ++seeks; });
requestAnimationFrame(function move(now) {
  film.style.left = Math.round((now * 30) / 1000) === 20 ? '0' : '900px';
  requestAnimationFrame(move);
});
</script>`,
    ),
  };
  const { file } = await renderer.render({
    composition,
    frameRange: [14, 26],
    chunking: { segments: 2 },
    page: { seekMode: 'seek' },
    onSeamMismatch: 'warn',
  });
  expect(await decodeBarcodes(file)).toEqual(
    Array.from({ length: 12 }, (_, i) => (i + 14 === 20 ? 20 : COVER)),
  );
});

test('a film whose picture does not come is an error that names frame and film', async () => {
  const source = await page('frozen', '<video src="clip.mp4" muted></video>');
  await writeFile(
    path.join(source, 'index.html'),
    `<!doctype html>
<meta name="helios-composition" content="width=320, height=180, fps=30, duration=1">
<video src="clip.mp4" muted></video>
<script>
// Stands for a browser that seeks but never gives the compositor the picture.
const seek = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
  return this.currentTime > 0.5 ? 0 : seek.call(this, callback);
};
</script>`,
  );
  await expect(
    renderer.render({ composition: { source }, page: { timeouts: { frame: 1_500 } } }),
  ).rejects.toMatchObject({
    name: 'FrameTimeoutError',
    message: expect.stringMatching(/at frame \d+ still waited for the picture of video .*clip\.mp4/),
    details: { waitingFor: [expect.stringContaining('clip.mp4')], timeoutMs: 1_500 },
  });
});
