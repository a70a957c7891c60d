/** Unpacks the browser of the package (brotli) and of the layer (zstd) in turns: `node bench/unpack.ts [rounds]`. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { buildChromiumLayer } from '../layers/chromium.ts';
import { folderBytes } from '../layers/tree.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { type PackedChromium, packagedChromium, unpackChromium } from '../src/worker/packed-chromium.ts';

const rounds = Number(process.argv[2] ?? 9);
const fromPackage = await packagedChromium();
const layer = await buildChromiumLayer();
const fromLayer: PackedChromium = {
  folder: path.join(layer.folder, 'helios', 'chromium'),
  version: fromPackage.version,
  ending: '.zst',
};
await using work = await createWorkFolder('unpack');

async function unpackMs(packed: PackedChromium): Promise<number> {
  const target = path.join(work.path, 'browser');
  await mkdir(target);
  const start = performance.now();
  await unpackChromium(packed, target);
  const ms = performance.now() - start;
  await rm(target, { recursive: true });
  return ms;
}

const times: Record<PackedChromium['ending'], number[]> = { '.br': [], '.zst': [] };
for (let round = 0; round < rounds; round++) {
  for (const packed of [fromPackage, fromLayer]) times[packed.ending].push(await unpackMs(packed));
}
const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
for (const { folder, ending } of [fromPackage, fromLayer]) {
  const all = times[ending];
  console.log(
    `${ending.padEnd(4)} ${((await folderBytes(folder)) / 1e6).toFixed(1)} MB, median ${median(all).toFixed(0)} ms, best ${Math.min(...all).toFixed(0)} ms`,
  );
}
console.log(`zstd is ${(median(times['.br']) / median(times['.zst'])).toFixed(2)} times as fast`);
