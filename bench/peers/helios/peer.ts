import { cp } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Peer, peerFile } from '../contestant.ts';

const VERSION = '1.78.3';
const CANVAS_LOOKS = ['canvas', 'WebGL'];

export const helios: Peer = {
  name: 'Helios renderer',
  packages: { '@helios-project/renderer': VERSION, '@helios-project/core': '5.13.2' },
  async open(folder, { browser, ffmpeg }) {
    await cp(fileURLToPath(peerFile('helios/render.mjs')), path.join(folder, 'render.mjs'));
    return {
      name: 'Helios renderer',
      version: VERSION,
      note: 'its mode "canvas" for canvas and WebGL (H.264 of the browser in between), "dom" for the others',
      parallel: true,
      framesOf: ({ frames }) => frames,
      command: async ({ subject, frames, concurrency, output }) => {
        const mode = CANVAS_LOOKS.includes(subject.name) ? 'canvas' : 'dom';
        const url = pathToFileURL(path.join(subject.folder, 'index.html')).href;
        const options = { url, mode, frames, concurrency, output, browser, ffmpeg };
        return { file: process.execPath, args: ['render.mjs', JSON.stringify(options)], cwd: folder };
      },
    };
  },
};
