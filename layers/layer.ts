import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { canonicalJson, sha256, sha256File } from '../src/utils/digest.ts';
import { packageFolder } from '../src/utils/package-version.ts';
import { describeTree, folderBytes, settleTree, type Tree } from './tree.ts';

export type LayerName = 'chromium' | 'ffmpeg' | 'fonts';

/** How a layer is made. */
export interface LayerRecipe {
  readonly name: LayerName;
  /** The files it is made from; with `settings` they decide whether it has to be made again. */
  readonly inputs: readonly string[];
  /** What else decides its content. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Writes the layer's files into a folder, which is `/opt/helios/<name>` on Lambda. */
  make(folder: string): Promise<void>;
}

/** A layer on the disk. */
export interface Layer extends Tree {
  readonly name: LayerName;
  /** Its content is what appears below /opt. */
  readonly folder: string;
}

interface LayerRecord extends Tree {
  readonly inputs: string;
}

/** Where layers are made unless told otherwise: `dist/layers` of this package. */
export function layersFolder(): string {
  return path.join(packageFolder(), 'dist', 'layers');
}

async function inputsDigest({ inputs, settings }: LayerRecipe): Promise<string> {
  const files = inputs.map(async (file) => [path.basename(file), await sha256File(file)]);
  return sha256(canonicalJson({ files: await Promise.all(files), settings }));
}

async function readRecord(file: string): Promise<LayerRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as LayerRecord;
  } catch {
    return undefined;
  }
}

/**
 * Makes a layer below `target`, or leaves what was made from the same inputs. `<name>.json` beside its folder
 * says from what it was made.
 */
export async function buildLayer(recipe: LayerRecipe, target = layersFolder()): Promise<Layer> {
  const { name } = recipe;
  const folder = path.join(target, name);
  const recordFile = path.join(target, `${name}.json`);
  const inputs = await inputsDigest(recipe);
  const found = await readRecord(recordFile);
  if (found?.inputs === inputs && (await folderBytes(folder).catch(() => -1)) === found.bytes) {
    const { digest, bytes, zippedBytes } = found;
    return { name, folder, digest, bytes, zippedBytes };
  }
  const partial = path.join(target, `.${name}-${process.pid}`);
  try {
    const place = path.join(partial, 'helios', name);
    await mkdir(place, { recursive: true });
    await recipe.make(place);
    await settleTree(partial);
    const tree = await describeTree(partial);
    await rm(recordFile, { force: true });
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    await writeFile(recordFile, `${JSON.stringify({ inputs, ...tree } satisfies LayerRecord, null, 2)}\n`);
    return { name, folder, ...tree };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** A layer as a line for people. */
export function describeLayer({ name, bytes, zippedBytes, digest }: Layer): string {
  const megabytes = (value: number): string => `${(value / 1e6).toFixed(1).padStart(6)} MB`;
  return `${name.padEnd(9)}${megabytes(bytes)}, zipped ${megabytes(zippedBytes)}  ${digest}`;
}
