import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fontsDigest, packagedFontFolders } from '../src/worker/fonts.ts';
import { buildLayer, describeLayer, type Layer } from './layer.ts';

/** A font file and where it goes: `<package>/<face>/<file>`. */
interface FontFile {
  readonly source: string;
  readonly place: string;
}

async function fontFiles(): Promise<FontFile[]> {
  const found = packagedFontFolders().map(async (folder) => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.ttf')).sort();
    return names.map((name) => {
      const source = path.join(folder, name);
      return { source, place: path.relative(path.resolve(folder, '../..'), source) };
    });
  });
  return (await Promise.all(found)).flat();
}

/** The fonts of the local kit, without what else is in their packages. */
export async function buildFontsLayer(target?: string): Promise<Layer> {
  const files = await fontFiles();
  const manifest = { digest: fontsDigest() };
  return buildLayer(
    {
      name: 'fonts',
      inputs: files.map(({ source }) => source),
      settings: { manifest, places: files.map(({ place }) => place) },
      async make(folder) {
        await writeFile(path.join(folder, 'fonts.json'), JSON.stringify(manifest));
        for (const { source, place } of files) {
          await mkdir(path.join(folder, path.dirname(place)), { recursive: true });
          await copyFile(source, path.join(folder, place));
        }
      },
    },
    target,
  );
}

if (import.meta.main) console.log(describeLayer(await buildFontsLayer()));
