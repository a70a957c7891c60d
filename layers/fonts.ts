import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { contentDigest } from '../src/worker/content-digest.ts';
import { type FontManifest, fontsDigest, packagedFontFiles } from '../src/worker/fonts.ts';
import { buildLayer, describeLayer, type Layer } from './layer.ts';

/** The fonts of the local kit, without what else is in their packages. */
export async function buildFontsLayer(target?: string): Promise<Layer> {
  const files = await packagedFontFiles();
  // `<package>/<face>/<file>`
  const places = files.map((file) => path.relative(path.resolve(file, '../../..'), file));
  const manifest: FontManifest = { digest: fontsDigest(), content: await contentDigest(files) };
  return buildLayer(
    {
      name: 'fonts',
      inputs: files,
      settings: { manifest, places },
      async make(folder) {
        await writeFile(path.join(folder, 'fonts.json'), JSON.stringify(manifest));
        for (const [index, place] of places.entries()) {
          await mkdir(path.join(folder, path.dirname(place)), { recursive: true });
          await copyFile(files[index] as string, path.join(folder, place));
        }
      },
    },
    target,
  );
}

if (import.meta.main) console.log(describeLayer(await buildFontsLayer()));
