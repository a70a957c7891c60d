import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AssetFolders } from '../../cdk/asset-folders.ts';
import { functionNames } from '../../cdk/function-sizes.ts';

export interface PlaceholderAssets extends AssetFolders {
  /** To be removed afterwards. */
  readonly folder: string;
}

/** Small folders in the place of the built functions and layers. */
export async function placeholderAssets(): Promise<PlaceholderAssets> {
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-assets-'));
  const write = async (kind: string, name: string, file: string, text: string) => {
    await mkdir(path.join(folder, kind, name), { recursive: true });
    await writeFile(path.join(folder, kind, name, file), text);
  };
  for (const name of functionNames)
    await write('functions', name, 'index.mjs', `export const handler = '${name}';`);
  for (const name of ['chromium', 'fonts', 'ffmpeg']) await write('layers', name, 'name.txt', name);
  return { folder, functions: path.join(folder, 'functions'), layers: path.join(folder, 'layers') };
}
