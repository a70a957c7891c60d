import path from 'node:path';
import { packageFolder } from '../src/utils/package-version.ts';
import { checkSize, largestFunction } from './check-size.ts';
import { buildChromiumLayer } from './chromium.ts';
import { buildFfmpegLayer } from './ffmpeg.ts';
import { buildFontsLayer } from './fonts.ts';
import { describeLayer, type Layer } from './layer.ts';

/**
 * Makes all layers, or leaves those that are there, and checks that they fit beside the largest function.
 * @throws KitError when a package is missing, LayersTooLargeError
 */
export async function buildLayers(target?: string): Promise<Layer[]> {
  const layers = [
    await buildChromiumLayer(target),
    await buildFfmpegLayer(target),
    await buildFontsLayer(target),
  ];
  checkSize(layers, await largestFunction(path.join(packageFolder(), 'dist', 'functions')));
  return layers;
}

if (import.meta.main) {
  const layers = await buildLayers();
  for (const layer of layers) console.log(describeLayer(layer));
  const zipped = layers.reduce((sum, layer) => sum + layer.zippedBytes, 0);
  const functionBytes = await largestFunction(path.join(packageFolder(), 'dist', 'functions'));
  const bytes = checkSize(layers, functionBytes);
  console.log(
    `together ${(bytes / 1e6).toFixed(1)} MB unpacked, ${(functionBytes / 1e6).toFixed(1)} MB of it the largest function; layers zipped ${(zipped / 1e6).toFixed(1)} MB`,
  );
}
