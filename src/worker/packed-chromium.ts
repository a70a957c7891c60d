import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-fs';
import { z } from 'zod';
import { KitError } from '../utils/errors.ts';
import { layerKit } from '../utils/layer-kit.ts';

/** What `unpackChromium` writes at most, in bytes: the browser, its software GL and its libraries. */
export const UNPACKED_BYTES = 225e6;

const manifestSchema = z.strictObject({ version: z.string().min(1) });

/** The layer's `chromium.json`. */
export type ChromiumManifest = z.infer<typeof manifestSchema>;

/** A browser as it is shipped: a compressed file, and compressed tar files beside it. */
export interface PackedChromium {
  readonly folder: string;
  /** Of `@sparticuz/chromium`, also in the layer. */
  readonly version: string;
  /** Ending of the compressed files. */
  readonly ending: '.br' | '.zst';
}

/** Tar files beside the browser, without their ending, and where they go. */
export const TARS: Readonly<Record<string, string>> = { 'swiftshader.tar': '.', 'al2023.tar': 'al2023' };

/**
 * The browser of `@sparticuz/chromium`.
 * @throws KitError when the package is missing
 */
export async function packagedChromium(): Promise<PackedChromium> {
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    let folder = path.dirname(entry);
    while (path.basename(folder) !== 'chromium') folder = path.dirname(folder);
    const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { folder: path.join(folder, 'bin'), version, ending: '.br' };
  } catch (cause) {
    throw new KitError('The browser is missing: install @sparticuz/chromium, or set CHROMIUM_PATH.', {
      cause,
    });
  }
}

async function layerChromium(folder: string): Promise<PackedChromium> {
  const file = path.join(folder, 'chromium.json');
  try {
    const { version } = manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return { folder, version, ending: '.zst' };
  } catch (cause) {
    throw new KitError(`The browser's layer is missing or damaged (${file}). Deploy the layers again.`, {
      cause,
      details: { file },
    });
  }
}

/** The browser of `HELIOS_KIT`, else the one of the npm package. */
export async function findChromium(): Promise<PackedChromium> {
  const kit = layerKit();
  return kit ? layerChromium(path.join(kit, 'chromium')) : packagedChromium();
}

// Large pieces: with Node's default of 16 KiB the browser unpacks 1.4 to 1.8 times as slowly.
const decompressors: Record<PackedChromium['ending'], () => Duplex> = {
  '.br': () => createBrotliDecompress({ chunkSize: 2 ** 22 }),
  '.zst': () => createZstdDecompress({ chunkSize: 2 ** 22 }),
};

/** Unpacks a browser into a folder that is there: `chromium`, its software GL, and `al2023/lib`. */
export async function unpackChromium({ folder, ending }: PackedChromium, target: string): Promise<void> {
  const open = (name: string) =>
    [
      createReadStream(path.join(folder, name + ending), { highWaterMark: 2 ** 20 }),
      decompressors[ending](),
    ] as const;
  await Promise.all([
    pipeline(
      ...open('chromium'),
      createWriteStream(path.join(target, 'chromium'), { mode: 0o755, highWaterMark: 2 ** 24 }),
    ),
    ...Object.entries(TARS).map(([tar, place]) => pipeline(...open(tar), extract(path.join(target, place)))),
  ]);
}
