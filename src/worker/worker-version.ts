import { runFfmpeg } from '../utils/ffmpeg.ts';
import { packageVersion } from '../utils/package-version.ts';
import { openKit } from './kit.ts';

/** Raised with every change after which the same frame job may give other pixels or other bytes. */
const PIXEL_REVISION = 12;

let version: Promise<string> | undefined;

async function readVersion(): Promise<string> {
  const [kit, ffmpeg] = await Promise.all([openKit(), runFfmpeg(['-version'])]);
  const encoder = /^ffmpeg version (\S+)/.exec(ffmpeg.toString('utf8'))?.[1] ?? 'unknown';
  return `${packageVersion()}+${PIXEL_REVISION}.chromium-${kit.chromiumVersion}.ffmpeg-${encoder}.fonts-${kit.fontsDigest}`;
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
