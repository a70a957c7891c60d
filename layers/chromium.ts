import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress, constants, zstdCompress } from 'node:zlib';
import { type ChromiumManifest, packagedChromium, TARS } from '../src/worker/packed-chromium.ts';
import { buildLayer, describeLayer, type Layer } from './layer.ts';

/** Pieces are unpacked at the same time; docs/adr/0005-chromium-layer-in-zstd.md has the figures. */
const PIECES = 4;
const LEVEL = 19;
const WINDOW_LOG = 27;

const compress = (content: Buffer): Promise<Buffer> =>
  promisify(zstdCompress)(content, {
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    pledgedSrcSize: content.length,
  });

async function decompressed(file: string): Promise<Buffer> {
  return promisify(brotliDecompress)(await readFile(file));
}

/** The browser of the local kit, compressed with zstd, for Chromium unpacked would leave no room for the rest. */
export async function buildChromiumLayer(target?: string): Promise<Layer> {
  const { folder: bin, version } = await packagedChromium();
  const browser = path.join(bin, 'chromium.br');
  const tars = Object.keys(TARS);
  return buildLayer(
    {
      name: 'chromium',
      inputs: [browser, ...tars.map((tar) => path.join(bin, `${tar}.br`))],
      settings: { version, zstd: process.versions.zstd, PIECES, LEVEL, WINDOW_LOG },
      async make(folder) {
        const content = await decompressed(browser);
        const size = Math.ceil(content.length / PIECES);
        const starts = Array.from({ length: PIECES }, (_, index) => index * size);
        const pieces = starts.map((start, index) => ({ file: `chromium.${index}.zst`, start }));
        await Promise.all([
          ...pieces.map(async ({ file, start }) =>
            writeFile(path.join(folder, file), await compress(content.subarray(start, start + size))),
          ),
          ...tars.map(async (tar) => {
            const packed = await compress(await decompressed(path.join(bin, `${tar}.br`)));
            await writeFile(path.join(folder, `${tar}.zst`), packed);
          }),
        ]);
        const manifest: ChromiumManifest = { version, pieces };
        await writeFile(path.join(folder, 'chromium.json'), JSON.stringify(manifest));
      },
    },
    target,
  );
}

if (import.meta.main) console.log(describeLayer(await buildChromiumLayer()));
