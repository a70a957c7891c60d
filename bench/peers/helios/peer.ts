import { chmod, cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Peer, peerFile } from '../contestant.ts';
import { bundleStage } from '../page.ts';

const VERSION = '1.78.3';
const CANVAS_LOOKS = ['canvas', 'WebGL'];
/** Under these the kit's Chromium draws nothing for this peer; under the last one no WebGL. */
const WITHOUT = ['--enable-begin-frame-control', '--single-process', '--disable-software-rasterizer'];

export const helios: Peer = {
  name: 'Helios renderer',
  packages: { '@helios-project/renderer': VERSION, '@helios-project/core': '5.13.2' },
  async open(folder, { browser, ffmpeg }) {
    await cp(fileURLToPath(peerFile('helios/render.mjs')), path.join(folder, 'render.mjs'));
    const start = path.join(folder, 'browser');
    await cp(fileURLToPath(peerFile('helios/browser.sh')), start);
    await chmod(start, 0o755);
    return {
      name: 'Helios renderer',
      version: VERSION,
      note: 'its mode "canvas" for canvas and WebGL, "dom" for the others; without --single-process and begin-frame control, under which this browser draws nothing for it, and with WebGL in software, of which it renders fewer frames',
      parallel: true,
      // Seconds a frame.
      framesOf: ({ name, frames, naiveFrames }) => (name === 'WebGL' ? naiveFrames : frames),
      command: async ({ subject, frames, concurrency, output, folder: own }) => {
        const mode = CANVAS_LOOKS.includes(subject.name) ? 'canvas' : 'dom';
        const page = path.join(own, 'index.html');
        const script = await bundleStage(subject, 'helios/page.mjs', own);
        const style = '<style>body { margin: 0; }</style>';
        await writeFile(
          page,
          `<!doctype html><meta charset="utf-8">${style}<div id="stage"></div><script>${script}</script>`,
        );
        const url = pathToFileURL(page).href;
        const webgl = subject.name === 'WebGL';
        const options = { url, mode, webgl, frames, concurrency, output, browser: start, ffmpeg };
        return {
          file: process.execPath,
          args: ['render.mjs', JSON.stringify(options)],
          env: { BENCH_BROWSER: browser, BENCH_WITHOUT: WITHOUT.slice(0, webgl ? 3 : 2).join(' ') },
          cwd: folder,
        };
      },
    };
  },
};
