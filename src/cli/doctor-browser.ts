import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ResolvedComposition } from '../types/composition.ts';
import { pageOptionsSchema } from '../types/render-job.ts';
import { NetworkPolicy } from '../utils/network-policy.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { Browser } from '../worker/browser.ts';
import { ScreenshotCapture } from '../worker/capture.ts';
import { COMPOSITION_HOST } from '../worker/gate.ts';
import { PageSession } from '../worker/page-session.ts';
import type { Check } from './doctor-checks.ts';

const PAGES: Readonly<Record<string, string>> = {
  'picture.html': `<!doctype html><style>
    body { margin: 0; animation: turn 1s linear both }
    @keyframes turn { from { background: #f00 } to { background: #00f } }
  </style>`,
  'webgl.html': `<!doctype html><canvas></canvas><script>
    const gl = document.querySelector('canvas').getContext('webgl');
    gl.clearColor(0, 1, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const pixel = new Uint8Array(4);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    window.pixel = [...pixel].join();
    const info = gl.getExtension('WEBGL_debug_renderer_info');
    window.renderer = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : 'unknown renderer';
  </script>`,
};

function openPage(browser: Browser, name: string): Promise<PageSession> {
  const composition: ResolvedComposition = {
    ref: { kind: 'url', url: `http://${COMPOSITION_HOST}/${name}` },
    kind: 'page',
    width: 64,
    height: 64,
    fps: 30,
    durationInFrames: 30,
    inputProps: {},
  };
  const page = pageOptionsSchema.parse({});
  return PageSession.open(browser, { composition, page, scale: 1, transparent: false });
}

async function drawTwoFrames(browser: Browser): Promise<Check> {
  await using session = await openPage(browser, 'picture.html');
  const capture = new ScreenshotCapture(session, { format: 'png' }, 10_000);
  await capture.preRoll();
  await capture.expose();
  const first = capture.develop();
  await session.step(29);
  await capture.expose();
  const second = capture.develop();
  const { product } = await browser.root.send('Browser.getVersion');
  return first && second
    ? { name: 'Chromium', status: 'ok', found: `${product.replace('/', ' ')}, draws frames on request` }
    : {
        name: 'Chromium',
        status: 'warn',
        found: `${product} does not draw what changed`,
        remedy: 'Render with --capture screenshot.',
      };
}

async function drawWebGL(browser: Browser): Promise<Check> {
  await using session = await openPage(browser, 'webgl.html');
  const pixel = await session.evaluate<string>('window.pixel');
  const renderer = await session.evaluate<string>('window.renderer');
  return pixel === '0,255,0,255'
    ? { name: 'WebGL', status: 'ok', found: renderer }
    : {
        name: 'WebGL',
        status: 'warn',
        found: `${renderer} drew ${pixel} for 0,255,0,255`,
        remedy: 'Pages without WebGL render all the same.',
      };
}

const failed = (name: string, status: 'fail' | 'warn', error: unknown): Check => {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return { name, status, found: `${error instanceof Error ? error.message : String(error)}${cause}` };
};

/** Starts the browser as a render does and has it draw: two frames of a page, then a WebGL page. */
export async function* checkBrowser(): AsyncGenerator<Check> {
  try {
    await using folder = await createWorkFolder('doctor');
    await using browser = await Browser.launch({ mode: 'begin-frame' });
    const lookup = async (name: string) => {
      const text = PAGES[name];
      if (text === undefined) return undefined;
      const file = path.join(folder.path, name);
      await writeFile(file, text);
      return { file, size: Buffer.byteLength(text), contentType: 'text/html' };
    };
    browser.gate.serve(lookup, new NetworkPolicy({ allowHosts: [] }));
    yield await drawTwoFrames(browser);
    yield await drawWebGL(browser).catch((error: unknown) => failed('WebGL', 'warn', error));
  } catch (error) {
    yield failed('Chromium', 'fail', error);
  }
}
