import { RenderOrchestrator } from '@helios-project/renderer';

const { url, mode, webgl, frames, concurrency, output, browser, ffmpeg } = JSON.parse(process.argv[2]);
await RenderOrchestrator.render(url, output, {
  width: 1920,
  height: 1080,
  fps: 30,
  durationInSeconds: frames / 30,
  frameCount: frames,
  mode,
  concurrency,
  crf: 20,
  preset: 'veryfast',
  ffmpegPath: ffmpeg,
  browserConfig: {
    executablePath: browser,
    args: webgl ? ['--use-angle=swiftshader-webgl', '--enable-unsafe-swiftshader'] : [],
  },
});
process.exit();
