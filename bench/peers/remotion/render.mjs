import { openBrowser, renderMedia, selectComposition } from '@remotion/renderer';

const { serveUrl, look, frames, concurrency, output, browser } = JSON.parse(process.argv[2]);
const options = {
  serveUrl,
  browserExecutable: browser,
  chromeMode: 'headless-shell',
  chromiumOptions: { gl: look === 'WebGL' ? 'swangle' : null },
  logLevel: 'error',
};
const puppeteerInstance = await openBrowser('chrome', options);
const composition = await selectComposition({ ...options, puppeteerInstance, id: look });
await renderMedia({
  ...options,
  puppeteerInstance,
  composition,
  frameRange: [0, frames - 1],
  concurrency,
  outputLocation: output,
  codec: 'h264',
  x264Preset: 'veryfast',
  crf: 20,
  colorSpace: 'bt709',
  muted: true,
});
await puppeteerInstance.close({ silent: true });
process.exit();
