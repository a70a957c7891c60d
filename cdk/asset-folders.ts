import { existsSync } from 'node:fs';
import path from 'node:path';
import { KitError } from '../src/utils/errors.ts';

/** Where the built code and layers of the functions lie. */
export interface AssetFolders {
  /** Holds a folder for each function: `<name>/index.mjs`. */
  readonly functions: string;
  /** Holds a folder for each layer, as it appears under /opt. */
  readonly layers: string;
}

/** The folders that `npm run build` and `npm run layers` fill; the published package holds them. */
export function ownAssetFolders(): AssetFolders {
  const home = path.resolve(import.meta.dirname, '..');
  const dist = path.basename(home) === 'dist' ? home : path.join(home, 'dist');
  return { functions: path.join(dist, 'functions'), layers: path.join(dist, 'layers') };
}

/** @throws KitError when the folder does not exist */
export function assetFolder(folder: string, name: string, what: string): string {
  const wanted = path.join(folder, name);
  if (existsSync(wanted)) return wanted;
  throw new KitError(`${what} is not built: ${wanted} is missing. Run: npm run build && npm run layers`, {
    details: { folder: wanted },
  });
}
