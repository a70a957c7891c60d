import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { probeComposition } from '../../src/orchestrator/probe.ts';
import { createBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import {
  type CompositionSpec,
  compositionSpecSchema,
  type ResolvedComposition,
} from '../../src/types/composition.ts';
import { pageOptionsSchema } from '../../src/types/render-job.ts';
import type { Browser } from '../../src/worker/browser.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { PageSession } from '../../src/worker/page-session.ts';

/** Longer than all animations of the page. */
const LOADING_MS = 1_500;

/** Animations of 12 frames, and one of 30 that begins at its middle; an image holds up the page's loading. */
const PAGE = `<!doctype html><style>
  @keyframes show { from { opacity: 0; } to { opacity: 1; } }
  .filled { animation: show 0.4s linear both; }
  .bare { animation: show 0.4s linear; }
  .begun { animation: show 1s linear -0.5s both; }
  .twice { animation: show 0.2s linear 2 alternate; }
  .faded { transition: opacity 0.4s linear; }
</style>
<p class="filled">filled</p><p class="bare">bare</p><p class="begun">begun</p><p class="twice">twice</p>
<p class="faded">faded</p><p class="made">made</p><p class="stopped">stopped</p>
<p class="moved">moved</p><p class="scrubbed">scrubbed</p>
<script>
  const find = (name) => document.querySelector('.' + name);
  find('faded').offsetHeight;
  find('faded').style.opacity = 0;
  const frames = [{ opacity: 0 }, { opacity: 1 }];
  const made = find('made').animate(frames, { duration: 400, fill: 'both' });
  find('stopped').animate(frames, { duration: 400, fill: 'both' }).pause();
  const moved = find('moved').animate(frames, { duration: 400, fill: 'both' });
  const scrubbed = find('scrubbed').animate(frames, { duration: 400, fill: 'both' });
  addEventListener('load', () => {
    moved.currentTime = 200;
    scrubbed.cancel();
    scrubbed.currentTime = 100;
  });
  const told = [];
  for (const type of ['animationend', 'transitionend']) addEventListener(type, ({ target }) => told.push(target.className));
  const seen = () => ({
    opacities: Object.fromEntries([...document.querySelectorAll('p')].map((p) => [p.className, Math.round(getComputedStyle(p).opacity * 100)])),
    told: [...told].sort(),
    state: made.playState,
  });
</script>
<img src="/late.svg" alt="">`;

let server: Server;
let folder: string;
let worker: ChromiumFrameWorker;
beforeAll(async () => {
  server = createServer(async ({ url }, response) => {
    if (url === '/late.svg') await sleep(LOADING_MS);
    response.setHeader('content-type', url === '/late.svg' ? 'image/svg+xml' : 'text/html');
    response.end(url === '/late.svg' ? '<svg xmlns="http://www.w3.org/2000/svg"/>' : PAGE);
  }).listen(0, '127.0.0.1');
  folder = await mkdtemp(path.join(tmpdir(), 'while-loading-'));
  worker = new ChromiumFrameWorker(new LocalStore(folder), { ownMachine: true });
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const still = { begun: 100, stopped: 0, scrubbed: 25 };

test.each(['begin-frame', 'screenshot'] as const)(
  'what begins while a page loads begins with its timeline, with pictures by %s',
  async (mode) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const composition: ResolvedComposition = {
      ref: { kind: 'url', url },
      ...{ kind: 'page', width: 320, height: 180, fps: 30, durationInFrames: 30, inputProps: {} },
    };
    const page = pageOptionsSchema.parse({});
    await worker.withBrowser({ ref: composition.ref }, { mode }, undefined, async (browser) => {
      await using session = await PageSession.open(browser, {
        ...{ composition, page, scale: 1, transparent: false },
      });
      const seen = () => session.evaluate('seen()');
      expect(await seen()).toEqual({
        opacities: { ...still, filled: 0, bare: 0, begun: 50, twice: 0, faded: 100, made: 0, moved: 50 },
        told: [],
        state: 'running',
      });
      await session.step(3);
      expect(await seen()).toEqual({
        opacities: { ...still, filled: 25, bare: 25, begun: 60, twice: 50, faded: 75, made: 25, moved: 75 },
        told: [],
        state: 'running',
      });
      await session.step(20);
      const ended = { ...still, filled: 100, bare: 100, twice: 100, faded: 0, made: 100, moved: 100 };
      expect(await seen()).toMatchObject({ opacities: ended, state: 'finished' });
      await session.step(21);
      const told = ['bare', 'begun', 'faded', 'filled', 'twice'];
      // There the browser tells of ends when it draws by itself.
      if (mode === 'screenshot') await expect.poll(seen).toMatchObject({ told });
      else expect(await seen()).toMatchObject({ told });
    });
  },
);

/** Looks at a page without a meta tag, as a render does first. */
async function probe<T>(
  name: string,
  body: string,
  spec: Partial<CompositionSpec>,
  look: (browser: Browser, composition: ResolvedComposition) => Promise<T>,
): Promise<T> {
  const source = path.join(folder, name);
  await mkdir(source);
  await writeFile(path.join(source, 'index.html'), `<!doctype html>${body}`);
  const { digest, entry } = await createBundle(worker.store, source);
  const ref = { kind: 'bundle', digest, entry } as const;
  return await worker.withBrowser({ ref }, { mode: 'begin-frame' }, undefined, async (browser) => {
    const parsed = compositionSpecSchema.parse({ source, ...spec });
    const { composition } = await probeComposition(browser, parsed, ref, pageOptionsSchema.parse({}));
    return look(browser, composition);
  });
}

test('a page that makes itself one of Helios when an animation ends is waited for', async () => {
  const body = `<p>text</p><script>
    document.querySelector('p').animate([{ opacity: 0 }, { opacity: 1 }], 500).finished.then(() => {
      const [width, height, fps, duration] = [320, 180, 25, 2].map((value) => ({ value }));
      window.helios = { width, height, fps, duration, seek(frame) { this.at = frame; } };
    });
  </script>`;
  await probe('gated', body, {}, async (browser, composition) => {
    expect(composition).toMatchObject({ kind: 'helios', fps: 25, durationInFrames: 50 });
    const page = pageOptionsSchema.parse({});
    await using session = await PageSession.open(browser, {
      ...{ composition, page, scale: 1, transparent: false },
    });
    await session.step(7);
    expect(await session.evaluate('helios.at')).toBe(7);
  });
});

test('the longest animation is a page’s duration when nothing says it, also one that stands still', async () => {
  const body = `<style>
    @keyframes show { from { opacity: 0; } }
    .short { animation: show 1s forwards; } .long { animation: show 2s 1s; } .endless { animation: show 9s infinite; }
  </style>
  <p class="short">short</p><p class="long">long</p><p class="endless">endless</p>
  <script>document.body.animate([{ opacity: 0 }, { opacity: 1 }], 500).playbackRate = 0;</script>`;
  const spec = { width: 320, height: 180, fps: 30 };
  const found = await probe('undated', body, spec, async (_, composition) => composition);
  expect(found).toMatchObject({ kind: 'page', durationInFrames: 90 });
});
