import { chmod, cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Peer, peerFile, type Task } from '../contestant.ts';
import { bundleStage } from '../page.ts';

const VERSION = '0.8.170';

async function writePage({ subject, frames, folder }: Task): Promise<void> {
  const slides = subject.name === 'static';
  const script = await bundleStage(subject, `hyperframes/${slides ? 'slides' : 'page'}.mjs`, folder);
  const size = `data-width="1920" data-height="1080" ${slides ? '' : 'data-no-timeline'}`;
  await writeFile(
    path.join(folder, 'index.html'),
    `<!doctype html>
<html><head><meta charset="utf-8"><style>body { margin: 0; }</style></head><body>
<div id="root" data-composition-id="main" data-start="0" data-duration="${frames / 30}" data-fps="30" ${size}>
<div id="stage"></div>
</div>
<script>${script}</script>
</body></html>
`,
  );
}

export const hyperframes: Peer = {
  name: 'HyperFrames',
  packages: { hyperframes: VERSION },
  async open(folder, { browser, ffmpeg, ffprobe }) {
    // It has no option for the preset.
    const veryfast = path.join(folder, 'ffmpeg');
    await cp(fileURLToPath(peerFile('hyperframes/ffmpeg.sh')), veryfast);
    await chmod(veryfast, 0o755);
    const env = {
      PRODUCER_HEADLESS_SHELL_PATH: browser,
      HYPERFRAMES_BROWSER_PATH: browser,
      HYPERFRAMES_FFMPEG_PATH: veryfast,
      HYPERFRAMES_FFPROBE_PATH: ffprobe,
      BENCH_FFMPEG: ffmpeg,
      HYPERFRAMES_NO_TELEMETRY: '1',
      DO_NOT_TRACK: '1',
    };
    const cli = path.join(folder, 'node_modules/hyperframes/bin/hyperframes.mjs');
    return {
      name: 'HyperFrames',
      version: VERSION,
      note: 'quality "standard" with crf 20, preset medium replaced by veryfast on the way to FFmpeg; begin-frame capture, for static a GSAP timeline and screenshots, which it reuses',
      parallel: true,
      framesOf: ({ frames }) => frames,
      command: async (task) => {
        await writePage(task);
        const options = ['--workers', String(task.concurrency), '--quality', 'standard', '--crf', '20'];
        return {
          file: process.execPath,
          args: [cli, 'render', '.', '--output', task.output, '--fps', '30', '--no-browser-gpu', ...options],
          // Begin-frame capture is its faster one, but only screenshots are reused where nothing happens.
          env: { ...env, PRODUCER_FORCE_SCREENSHOT: String(task.subject.name === 'static') },
          cwd: task.folder,
        };
      },
    };
  },
};
