import { createRequire } from 'node:module';
import path from 'node:path';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { KitError } from '../utils/errors.ts';

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

/**
 * The folders that hold the kit's font files.
 * @throws KitError when a package is missing
 */
export function fontFolders(): string[] {
  const require = createRequire(import.meta.url);
  return Object.entries(FONTS).flatMap(([name, faces]) => {
    try {
      const folder = path.dirname(require.resolve(`@expo-google-fonts/${name}/package.json`));
      return faces.map((face) => path.join(folder, face));
    } catch (cause) {
      throw new KitError(`The font package @expo-google-fonts/${name} is missing: run npm ci.`, { cause });
    }
  });
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
