import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ResolvedComposition } from '../../src/types/composition.ts';
import { pageOptionsSchema } from '../../src/types/render-job.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { PageSession } from '../../src/worker/page-session.ts';
import { Rest } from '../../src/worker/rest.ts';
import { fixture } from '../helpers/renderer.ts';

const FRAMES = 60;

let folder: string;
let store: LocalStore;
let worker: ChromiumFrameWorker;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rest-'));
  store = new LocalStore(path.join(folder, 'store'));
  worker = new ChromiumFrameWorker(store);
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Goes through all frames of a page. @returns what `seen()` gave at each, and the frames that the page was taken to */
async function watch(name: string, body: string): Promise<{ seen: unknown[]; taken: number[] }> {
  const source = path.join(folder, name);
  await mkdir(source);
  await copyFile(path.join(fixture('barcode-video-30'), 'clip.mp4'), path.join(source, 'clip.mp4'));
  await writeFile(path.join(source, 'index.html'), `<!doctype html>${body}`);
  const { digest, entry } = await createBundle(store, source);
  const composition: ResolvedComposition = {
    ref: { kind: 'bundle', digest, entry },
    ...{ kind: 'page', width: 320, height: 180, fps: 30, durationInFrames: FRAMES, inputProps: {} },
  };
  const page = pageOptionsSchema.parse({});
  return await worker.withBrowser(composition, { mode: 'begin-frame' }, undefined, async (browser) => {
    await using session = await PageSession.open(browser, {
      ...{ composition, page, scale: 1, transparent: false },
    });
    const send = vi.spyOn(session.page, 'send');
    const seen: unknown[] = [];
    for (let frame = 0; frame < FRAMES; frame++) {
      await session.step(frame);
      await session.ticker.tick();
      seen.push(await session.evaluate('seen()'));
    }
    const taken = send.mock.calls.flatMap(([, params]) => {
      const [, frame] = /\.step\((\d+)/.exec(String((params as { expression?: string })?.expression)) ?? [];
      return frame === undefined ? [] : [Number(frame)];
    });
    return { seen, taken: [...new Set(taken)] };
  });
}

const each = (value: (frame: number) => unknown): unknown[] =>
  Array.from({ length: FRAMES }, (_, frame) => value(frame));

test('a page is not taken to frames at which its clock has nothing to do, and changes where it should', async () => {
  const { seen, taken } = await watch(
    'slides',
    `<style>
      #late { animation: late 0.1s linear 1.5s both; }
      @keyframes late { from { opacity: 0; } to { opacity: 1; } }
    </style>
    <p id="slide">0</p><p id="late">late</p>
    <script>
      for (const second of [0.5, 0.75]) setTimeout(() => { slide.textContent = second; }, 1000 * second);
      const seen = () => [slide.textContent, Math.round(getComputedStyle(late).opacity * 10)];
    </script>`,
  );
  const opacity = (frame: number) => Math.round(Math.min(10, Math.max(0, (10 * (frame / 30 - 1.5)) / 0.1)));
  const slide = (frame: number) => (frame < 15 ? '0' : frame < 23 ? '0.5' : '0.75');
  expect(seen).toEqual(each((frame) => [slide(frame), opacity(frame)]));
  // Each frame while the animation runs, and where the timers are due; few of the others.
  expect(taken).toEqual(expect.arrayContaining([15, 23, 45, 46, 47, 48]));
  expect(taken.length).toBeLessThan(FRAMES / 2);
});

describe('a page is taken to each frame', () => {
  test.each([
    [
      'a loop of frames',
      'let n = -1; requestAnimationFrame(function f() { n++; requestAnimationFrame(f); });',
      '',
    ],
    ['an instance of Helios', 'let n; window.helios = { seek(frame) { n = frame; } };', ''],
    ['an animation', 'let n; document.documentElement.animate([{ opacity: 0 }, { opacity: 1 }], 9000);', ''],
    [
      'a paused GSAP timeline',
      'let n; window.__helios_gsap_timeline__ = { pause() {}, seek(s) { n = s; } };',
      '',
    ],
    ['an SVG that moves', '', '<svg><rect><animate attributeName="x" to="9" dur="9s"/></rect></svg>'],
    ['a film', '', '<video src="clip.mp4" muted></video>'],
  ])('with %s', async (name, script, body) => {
    const { taken } = await watch(name, `${body}<script>${script} const seen = () => 0;</script>`);
    expect(taken).toEqual(each((frame) => frame).slice(1));
  });
});

test('what a timer sets going and waits for itself begins in the frame after it', async () => {
  const { seen } = await watch(
    'late',
    `<p id="shown">no</p><script>
      const show = () => { shown.textContent = 'yes'; };
      setTimeout(() => Promise.resolve().then(() => new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = resolve;
        port2.postMessage(0);
      })).then(() => setTimeout(show, 100)), 500);
      const seen = () => shown.textContent;
    </script>`,
  );
  expect(seen).toEqual(each((frame) => (frame < 18 ? 'no' : 'yes')));
});

test('a page with other documents in it is taken to each frame', async () => {
  const { seen, taken } = await watch(
    'framed',
    `<p id="shown">no</p>
    <iframe srcdoc="<script>setTimeout(() => parent.setTimeout(() => parent.show(), 50), 500)</script>"></iframe>
    <script>
      function show() { shown.textContent = 'yes'; }
      const seen = () => shown.textContent;
    </script>`,
  );
  expect(seen).toEqual(each((frame) => (frame < 17 ? 'no' : 'yes')));
  expect(taken).toEqual(each((frame) => frame).slice(1));
});

test('a page that something else than its clock wakes is noticed within five frames', async () => {
  const { seen } = await watch(
    'woken',
    `<script>
      let frames = 0;
      const seen = () => {
        if (++frames === 31) requestAnimationFrame(() => { frames = 1000; });
        return frames >= 1000;
      };
    </script>`,
  );
  expect(seen.slice(0, 31)).not.toContain(true);
  expect(seen.slice(36)).not.toContain(false);
});

test('rest begins with the second calm step, lasts until its end, and ends when anything is noticed', () => {
  const rest = new Rest();
  rest.noteStep(10, 100, 1000);
  expect(rest.covers(11, 110)).toBe(false);
  rest.noteStep(11, 110, 1000);
  expect([9, 11, 12, 15, 16].map((frame) => rest.covers(frame, frame * 10))).toEqual([
    ...[false, false, true, true, false],
  ]);
  expect(rest.covers(12, 1000)).toBe(false);
  rest.end();
  expect(rest.covers(12, 120)).toBe(false);
  rest.noteStep(12, 120, 1000);
  rest.noteStep(13, 130, 130);
  expect(rest.covers(14, 140)).toBe(false);
});

test('a step that had something to do is the first calm one at best', () => {
  const rest = new Rest();
  for (const frame of [1, 2, 3]) rest.noteStep(frame, frame * 10, 40);
  expect(rest.covers(4, 40.0005)).toBe(false);
  rest.noteStep(4, 40, 1000);
  expect(rest.covers(5, 50)).toBe(false);
  rest.noteStep(5, 50, 1000);
  expect(rest.covers(6, 60)).toBe(true);
});
