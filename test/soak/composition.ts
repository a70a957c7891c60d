import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RenderJobInput } from '../../src/types/render-job.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** A drawing, a film and a sound, small enough to be rendered in seconds. */
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Soak</title>
<meta name="helios-composition" content="width=160, height=90, fps=30, duration=0.8">
<style>body { margin: 0; background: #246; } canvas, video { position: absolute; top: 0; left: 0; } video { top: 45px; width: 80px; height: 45px; }</style>
</head><body><canvas width="160" height="90"></canvas><video src="clip.mp4" muted playsinline></video><audio src="beeps.flac" autoplay></audio>
<script>
const context = document.querySelector('canvas').getContext('2d');
function tick(ms) {
  const frame = Math.round(ms * 0.03);
  context.fillStyle = 'hsl(' + frame * 15 + ' 80% 40%)';
  context.fillRect(0, 0, 160, 45);
  context.fillStyle = '#fff';
  context.font = '20px sans-serif';
  context.fillText(frame + ' ' + Math.random().toFixed(4), 8, 30);
  requestAnimationFrame(tick);
}
requestAnimationFrame(tick);
</script></body></html>
`;

/** Writes the composition into a new folder. */
export async function writeComposition(folder: string): Promise<void> {
  await mkdir(folder);
  await writeFile(path.join(folder, 'index.html'), page);
  await copyFile(path.join(fixtures, 'barcode-video-30/clip.mp4'), path.join(folder, 'clip.mp4'));
  await copyFile(path.join(fixtures, 'sounds/beeps.flac'), path.join(folder, 'beeps.flac'));
}

/** A render of 24 frames in 3 segments, with sound. */
export function soakJob(composition: string, outputPath: string): RenderJobInput {
  const timeouts = { load: 20_000, frame: 20_000 };
  return {
    id: 'soak',
    composition: { source: composition },
    chunking: { segments: 3 },
    page: { timeouts },
    outputPath,
  };
}
