import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { KitError } from '../utils/errors.ts';
import { layerKit } from '../utils/layer-kit.ts';
import { rememberedDigest } from './content-digest.ts';

const TEXT = [
  '400Regular',
  '400Regular_Italic',
  '500Medium',
  '600SemiBold',
  '700Bold',
  '700Bold_Italic',
  '800ExtraBold',
];
const SCRIPT = ['400Regular', '500Medium', '700Bold'];
const CJK = ['400Regular', '700Bold'];

/** The kit's fonts: package of `@expo-google-fonts`, and the faces taken from it. */
const FONTS: Readonly<Record<string, readonly string[]>> = {
  inter: ['300Light', ...TEXT],
  'noto-sans': TEXT,
  'noto-serif': ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'],
  'roboto-mono': ['400Regular', '400Regular_Italic', '700Bold'],
  arimo: ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'],
  tinos: ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'],
  cousine: ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'],
  'noto-sans-arabic': SCRIPT,
  'noto-sans-devanagari': SCRIPT,
  'noto-sans-sc': CJK,
  'noto-sans-jp': CJK,
  'noto-sans-kr': CJK,
  'noto-color-emoji': ['400Regular'],
};

/** Families that pages ask for and the kit answers with another one of the same widths or the same look. */
const ALIASES: Readonly<Record<string, string>> = {
  'sans-serif': 'Arimo',
  serif: 'Tinos',
  monospace: 'Cousine',
  'system-ui': 'Inter',
  'ui-sans-serif': 'Inter',
  'ui-monospace': 'Roboto Mono',
  emoji: 'Noto Color Emoji',
  Arial: 'Arimo',
  Helvetica: 'Arimo',
  'Helvetica Neue': 'Arimo',
  'Times New Roman': 'Tinos',
  Times: 'Tinos',
  Georgia: 'Noto Serif',
  'Courier New': 'Cousine',
  Courier: 'Cousine',
  Menlo: 'Roboto Mono',
  Consolas: 'Roboto Mono',
  'Apple Color Emoji': 'Noto Color Emoji',
  'Segoe UI Emoji': 'Noto Color Emoji',
  'Segoe UI': 'Noto Sans',
};

/** A font layer's `fonts.json`. */
export interface FontManifest {
  /** Of the names: `fontsDigest`. */
  readonly digest: string;
  /** Of the files: `contentDigest`. */
  readonly content: string;
}

/**
 * The folders of the npm packages that hold the kit's font files.
 * @throws KitError when a package is missing
 */
export function packagedFontFolders(): string[] {
  const require = createRequire(import.meta.url);
  return faceFolders((name) => {
    try {
      return path.dirname(require.resolve(`@expo-google-fonts/${name}/package.json`));
    } catch (cause) {
      throw new KitError(`The font package @expo-google-fonts/${name} is missing: run npm ci.`, { cause });
    }
  });
}

/** @throws KitError when the layer is missing, or not the one this code names */
function readLayerManifest(layer: string): FontManifest {
  const file = path.join(layer, 'fonts.json');
  let manifest: FontManifest;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8')) as FontManifest;
  } catch (cause) {
    throw new KitError(`The fonts' layer is missing or damaged (${file}). Deploy the layers again.`, {
      cause,
    });
  }
  if (manifest.digest === fontsDigest()) return manifest;
  throw new KitError(`The fonts' layer is of another version (${file}). Deploy the layers again.`, {
    details: { layer: manifest.digest, expected: fontsDigest() },
  });
}

function layerFontFolders(layer: string): string[] {
  readLayerManifest(layer);
  return faceFolders((name) => path.join(layer, name));
}

function faceFolders(folderOf: (name: string) => string): string[] {
  return Object.entries(FONTS).flatMap(([name, faces]) => {
    const folder = folderOf(name);
    return faces.map((face) => path.join(folder, face));
  });
}

/**
 * The folders that hold the kit's font files, in the order in which fontconfig prefers them: of the layer in
 * `HELIOS_KIT`, else of the npm packages.
 * @throws KitError when they are missing, or the layer's are not the ones this code names
 */
export function fontFolders(): string[] {
  const kit = layerKit();
  return kit ? layerFontFolders(path.join(kit, 'fonts')) : packagedFontFolders();
}

/** The font files of the npm packages, in a fixed order. */
export async function packagedFontFiles(): Promise<string[]> {
  const found = packagedFontFolders().map(async (folder) => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.ttf')).sort();
    return names.map((name) => path.join(folder, name));
  });
  return (await Promise.all(found)).flat();
}

/**
 * Changes with the set of faces and aliases, and with the bytes of the files.
 * @param folder where the digest of the files is remembered
 */
export async function fontsVersion(folder: string): Promise<string> {
  const kit = layerKit();
  const content = kit
    ? readLayerManifest(path.join(kit, 'fonts')).content
    : await rememberedDigest(await packagedFontFiles(), folder);
  return sha256(canonicalJson({ names: fontsDigest(), content })).slice(0, 12);
}

/** Changes with the set of faces and aliases. */
export function fontsDigest(): string {
  return sha256(canonicalJson({ FONTS, ALIASES })).slice(0, 12);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** A fonts.conf that knows the given folders and nothing of the machine. */
export function fontconfig(folders: readonly string[], cacheFolder: string): string {
  const aliases = Object.entries(ALIASES).map(
    ([family, ours]) =>
      `<match target="pattern"><test name="family" qual="any"><string>${family}</string></test>` +
      `<edit name="family" mode="assign" binding="same"><string>${ours}</string></edit></match>`,
  );
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
${folders.map((folder) => `<dir>${escapeXml(folder)}</dir>`).join('\n')}
<cachedir>${escapeXml(cacheFolder)}</cachedir>
${aliases.join('\n')}
<match target="pattern"><edit name="family" mode="append_last"><string>Arimo</string></edit></match>
<match target="font">
<edit name="antialias" mode="assign"><bool>true</bool></edit>
<edit name="hinting" mode="assign"><bool>false</bool></edit>
<edit name="rgba" mode="assign"><const>none</const></edit>
</match>
</fontconfig>
`;
}
