import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress, constants, zstdCompress } from 'node:zlib';
import { type ChromiumManifest, packagedChromium, TARS } from '../src/worker/packed-chromium.ts';
import { buildLayer, describeLayer, type Layer } from './layer.ts';

/** docs/adr/0005-chromium-layer-in-zstd.md has the figures. */
const LEVEL = 12;
/** 32 MB, held in memory while it is unpacked. */
const WINDOW_LOG = 25;

async function recompress(source: string, target: string): Promise<void> {
  const content = await promisify(brotliDecompress)(await readFile(source));
  const packed = await promisify(zstdCompress)(content, {
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    pledgedSrcSize: content.length,
  });
  await writeFile(target, packed);
}

/** The browser of the local kit, compressed with zstd: unpacked it would leave no room for the rest. */
export async function buildChromiumLayer(target?: string): Promise<Layer> {
  const { folder: bin, version } = await packagedChromium();
  const names = ['chromium', ...Object.keys(TARS)];
  const manifest: ChromiumManifest = { version };
  return buildLayer(
    {
      name: 'chromium',
      inputs: names.map((name) => path.join(bin, `${name}.br`)),
      settings: { manifest, level: LEVEL, windowLog: WINDOW_LOG, zstd: process.versions.zstd },
      async make(folder) {
        await writeFile(path.join(folder, 'chromium.json'), JSON.stringify(manifest));
        for (const name of names) {
          await recompress(path.join(bin, `${name}.br`), path.join(folder, `${name}.zst`));
        }
      },
    },
    target,
  );
}

if (import.meta.main) console.log(describeLayer(await buildChromiumLayer()));
