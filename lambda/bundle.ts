import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BuildResult, build } from 'esbuild';
import { packageFolder, packageVersion } from '../src/utils/package-version.ts';

/** The farm's functions: each has an entry here, and a folder of that name in `dist/functions`. */
export const FUNCTIONS = ['plan', 'render', 'audio', 'stitch', 'failure'] as const;

/** Asked for by parts of Puppeteer and ws that we don't call. */
export const NEVER_LOADED = ['bufferutil', 'utf-8-validate', 'proxy-agent', 'yauzl'];

/** Loaded for `gs://` alone, which no farm in AWS has. */
export const OF_OTHER_CLOUDS = ['./gcs-bucket.ts'];

/**
 * Bundles an entry with all it imports into `index.mjs` of a folder, beside a package.json with our version.
 * Names stay as they are, for an error's name is its class's name; esbuild's `keepNames` would put calls of its own
 * into the functions that are sent to the page as text.
 * @param leftOut modules that are not taken in, as they are imported, beside those that are never loaded
 */
export async function bundleEntry(
  entry: string,
  folder: string,
  leftOut: readonly string[] = OF_OTHER_CLOUDS,
): Promise<BuildResult<{ metafile: true }>> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const result = await build({
    absWorkingDir: packageFolder(),
    entryPoints: [entry],
    outfile: path.join(folder, 'index.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minifyWhitespace: true,
    minifySyntax: true,
    charset: 'utf8',
    legalComments: 'external',
    external: [...NEVER_LOADED, ...leftOut],
    banner: {
      js: 'import{createRequire as heliosCreateRequire}from"node:module";const require=heliosCreateRequire(import.meta.url);',
    },
    metafile: true,
    logLevel: 'warning',
  });
  const manifest = { name: '@helios-project/infrastructure', version: packageVersion(), type: 'module' };
  await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return result;
}

if (import.meta.main) {
  const target = path.join(packageFolder(), 'dist', 'functions');
  await rm(target, { recursive: true, force: true });
  for (const name of FUNCTIONS) {
    const entry = `lambda/${name}.ts`;
    if (!existsSync(path.join(packageFolder(), entry))) continue;
    const { metafile } = await bundleEntry(entry, path.join(target, name));
    const bytes =
      Object.entries(metafile.outputs).find(([file]) => file.endsWith('index.mjs'))?.[1].bytes ?? 0;
    console.log(`function ${name.padEnd(8)} ${(bytes / 1e6).toFixed(2)} MB`);
  }
}
