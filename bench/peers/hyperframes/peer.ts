import { chmod, cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Peer, peerFile, type Task } from '../contestant.ts';
import { writeLook } from '../look.ts';

const VERSION = '0.8.170';

async function writePage({ subject, frames, folder }: Task): Promise<void> {
  for (const name of ['hyperframes/page.mjs', 'stage.mjs'])
    await cp(fileURLToPath(peerFile(name)), path.join(folder, path.basename(name)));
  await writeLook(subject, path.join(folder, 'look.mjs'));
  const bundled = await build({
    entryPoints: [path.join(folder, 'page.mjs')],
    bundle: true,
    write: false,
    format: 'iife',
  });
  const script = bundled.outputFiles[0]?.text ?? '';
  const size = 'data-width="1920" data-height="1080"';
  await writeFile(
    path.join(folder, 'index.html'),
    `<!doctype html>
<html><head><meta charset="utf-8"><style>body { margin: 0; }</style></head><body>
<div id="root" data-composition-id="main" data-start="0" data-duration="${frames / 30}" data-fps="30" ${size} data-no-timeline>
<div id="stage"></div>
</div>
<script>
${script.replaceAll('</script', '<\\/script')}
</script>
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
      // Without it a browser in software takes screenshots, which are slower.
      PRODUCER_FORCE_SCREENSHOT: 'false',
      HYPERFRAMES_NO_TELEMETRY: '1',
      DO_NOT_TRACK: '1',
    };
    const cli = path.join(folder, 'node_modules/hyperframes/bin/hyperframes.mjs');
    return {
      name: 'HyperFrames',
      version: VERSION,
      note: 'quality "standard" with crf 20, preset medium replaced by veryfast on the way to FFmpeg; begin-frame capture',
      parallel: true,
      framesOf: ({ frames }) => frames,
      command: async (task) => {
        await writePage(task);
        const options = ['--workers', String(task.concurrency), '--quality', 'standard', '--crf', '20'];
        return {
          file: process.execPath,
          args: [cli, 'render', '.', '--output', task.output, '--fps', '30', '--no-browser-gpu', ...options],
          env,
          cwd: task.folder,
        };
      },
    };
  },
};
