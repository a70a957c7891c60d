import { canonicalJson, sha256 } from '../utils/digest.ts';
import { describeFfmpeg, ffmpegPath } from '../utils/ffmpeg.ts';
import { packageVersion } from '../utils/package-version.ts';
import { rememberedDigest } from './content-digest.ts';
import { openKit } from './kit.ts';
import { makeKitFolder } from './kit-folder.ts';

/** Raised with every change after which the same frame job may give other pixels or other bytes. */
const PIXEL_REVISION = 24;

let version: Promise<string> | undefined;

/** FFmpeg's version, and a digest of what it says of itself and its libraries, and of the program. */
async function encoderVersion(): Promise<string> {
  const told = await describeFfmpeg();
  const name = /^ffmpeg version (\S+)/.exec(told)?.[1] ?? 'unknown';
  // A bare name is looked up in PATH by the system.
  const program = await rememberedDigest([ffmpegPath()], await makeKitFolder()).catch(() => null);
  return `${name}-${sha256(canonicalJson({ told, program })).slice(0, 12)}`;
}

async function readVersion(): Promise<string> {
  const [kit, encoder] = await Promise.all([openKit(), encoderVersion()]);
  return `${packageVersion()}+${PIXEL_REVISION}.chromium-${kit.chromiumVersion}.ffmpeg-${encoder}.fonts-${kit.fontsVersion}`;
}

/** The part of a worker's version that decides its pictures before they are encoded. */
export function pictureVersion(version: string): string {
  return version.replace(/\.ffmpeg-.*?(?=\.fonts-)/, '');
}

/** Names everything outside a job that decides its pixels: this code, the browser, the encoder, the fonts. */
export function workerVersion(): Promise<string> {
  version ??= readVersion().catch((error: unknown) => {
    version = undefined;
    throw error;
  });
  return version;
}
