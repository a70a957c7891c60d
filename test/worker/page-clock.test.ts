import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ResolvedComposition } from '../../src/types/composition.ts';
import { pageOptionsSchema } from '../../src/types/render-job.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { PageSession } from '../../src/worker/page-session.ts';
import { fixture } from '../helpers/renderer.ts';

const PAGE = `<!doctype html><style>
  body { margin: 0; }
  div { position: absolute; width: 10px; height: 10px; }
  @keyframes right { to { left: 300px; } }
  #css { left: 0; animation: right 3s linear; }
  .held { animation-play-state: paused !important; }
</style>
<div id="css"></div><div id="started"></div><div id="slowed"></div><div id="late"></div><div id="host"></div>
<svg width="320" height="20"><rect id="smil" width="10" height="10"><animate attributeName="x" from="0" to="300" dur="3s"/></rect></svg>
<script>
  const log = {};
  const slide = [{ left: '0px' }, { left: '300px' }];
  const started = document.getElementById('started').animate(slide, 3000);
  started.startTime = 1000;
  const slowed = document.getElementById('slowed').animate(slide, 3000);
  setTimeout(() => {
    css.classList.add('held');
    slowed.updatePlaybackRate(0.5);
    host.setHTMLUnsafe('<span><template shadowrootmode="open"><style>@keyframes r { to { left: 300px; } } b { position: absolute; left: 0; animation: r 3s linear; }</style><b>x</b></template></span>');
  }, 1000);
  document.getElementById('late').animate([{ width: '10px' }, { width: '20px' }], 500).finished.then(() => { log.finished = performance.now(); });
  document.addEventListener('ping', (event) => { log.stamp = event.timeStamp; });
  setTimeout(() => { document.dispatchEvent(new Event('ping')); log.date = new Intl.DateTimeFormat('en', { timeStyle: 'medium', timeZone: 'UTC' }).format(); }, 1200);
  new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])));
  const x = (element) => Math.round(element.getBoundingClientRect().left);
  const seen = () => ({ css: x(css), started: x(document.getElementById('started')), slowed: x(document.getElementById('slowed')), shadow: x(host.firstChild.shadowRoot.querySelector('b')), smil: Math.round(smil.x.animVal.value), ...log });
</script>`;

let folder: string;
let store: LocalStore;
let worker: ChromiumFrameWorker;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'page-clock-'));
  await writeFile(path.join(folder, 'index.html'), PAGE);
  store = new LocalStore(path.join(folder, '.store'));
  worker = new ChromiumFrameWorker(store);
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function look<T>(source: string, frames: readonly number[], expression: string): Promise<T> {
  const { digest, entry } = await createBundle(store, source);
  const composition: ResolvedComposition = {
    ref: { kind: 'bundle', digest, entry },
    kind: 'page',
    width: 320,
    height: 180,
    fps: 30,
    durationInFrames: 90,
    inputProps: {},
  };
  const page = pageOptionsSchema.parse({ timeouts: { load: 10_000, frame: 10_000 } });
  return await worker.withBrowser(composition, { mode: 'begin-frame' }, undefined, async (browser) => {
    await using session = await PageSession.open(browser, {
      composition,
      page,
      scale: 1,
      transparent: false,
    });
    for (const frame of frames) await session.step(frame);
    return await session.evaluate<T>(expression);
  });
}

describe('at frame 45, which is 1.5 s', () => {
  const wanted = {
    // Held at 1 s.
    css: 100,
    // Began at 1 s.
    started: 50,
    // 1 s at full speed, 0.5 s at half.
    slowed: 125,
    shadow: 50,
    smil: 150,
    finished: 500,
    stamp: 1200,
    date: '12:00:01 AM',
  };

  test('reached at once', async () => {
    expect(await look(folder, [45], 'seen()')).toEqual(wanted);
  });

  test('reached step by step', async () => {
    const frames = Array.from({ length: 45 }, (_, index) => index + 1);
    expect(await look(folder, frames, 'seen()')).toEqual(wanted);
  });
});

test('a film tells that it ended at its own time', async () => {
  const source = path.join(folder, 'film');
  await createFilmPage(source);
  expect(await look(source, [89], 'endings')).toEqual([]);
  expect(await look(source, [95], 'endings')).toEqual([3000]);
  expect(await look(source, [40, 120], 'endings')).toEqual([3000]);
});

async function createFilmPage(source: string): Promise<void> {
  await cp(fixture('barcode-video-30'), source, { recursive: true });
  await writeFile(
    path.join(source, 'index.html'),
    `<!doctype html><video src="clip.mp4" autoplay muted></video><script>
      const endings = [];
      document.querySelector('video').addEventListener('ended', () => endings.push(Math.round(performance.now())));
    </script>`,
  );
}

test('a page is told the same of every machine', async () => {
  const told = '[navigator.hardwareConcurrency, navigator.deviceMemory]';
  expect(await look(folder, [], told)).toEqual([4, 8]);
});

test('its workers are told so, too', async () => {
  const source = path.join(folder, 'workers');
  const page = `<!doctype html><script>
    const tell = 'postMessage(navigator.hardwareConcurrency)';
    const address = (script) => URL.createObjectURL(new Blob([script]));
    const answer = (port) => new Promise((resolve) => { port.onmessage = ({ data }) => resolve(data); });
    const nested = 'new Worker(URL.createObjectURL(new Blob(["' + tell + '"]))).onmessage = ({ data }) => postMessage(data)';
    const shared = 'onconnect = ({ ports }) => ports[0].' + tell;
    const told = async () => {
      await navigator.serviceWorker.register('/service.js');
      const { active } = await navigator.serviceWorker.ready;
      const service = answer(navigator.serviceWorker);
      active.postMessage('tell');
      const workers = [tell, nested].map((script) => answer(new Worker(address(script))));
      return Promise.all([...workers, answer(new SharedWorker(address(shared)).port), service]);
    };
  </script>`;
  await mkdir(source, { recursive: true });
  await writeFile(path.join(source, 'index.html'), page);
  await writeFile(
    path.join(source, 'service.js'),
    'onmessage = ({ source }) => source.postMessage(navigator.hardwareConcurrency);',
  );
  expect(await look(source, [], 'told()')).toEqual([4, 4, 4, 4]);
});
