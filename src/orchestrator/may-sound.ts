import { blobKey, readBundle } from '../storage/bundle.ts';
import { type ObjectStore, readBytes } from '../storage/object-store.ts';
import type { ResolvedComposition } from '../types/composition.ts';

/** More text than this is not read through. */
const MAX_TEXT_BYTES = 16 * 1024 ** 2;
const MAX_FILES = 200;
const TEXT = /^text\/|javascript|ecmascript|json|xml|html/;
/** Files that hold neither script nor markup, and can't be heard. */
const MUTE = /^(?:image\/(?!svg)|font\/|model\/)|^application\/(?:font|pdf)/;
/** Names of what sounds, and ways for a script to spell them otherwise. */
const SOUNDING =
  /audio|video|\\[ux0-7]|&#|%[0-9a-f]{2}|base64|atob|fromCharCode|fromCodePoint|decodeURI|unescape|TextDecoder|DecompressionStream|WebAssembly|\0/i;

/**
 * Whether a page may sound at all. A page of a bundle that names neither `audio` nor `video` anywhere in its files and
 * props, and has no means to spell them otherwise, has no element that sounds: its timeline need not be looked through.
 * A script that puts the word together from pieces ('au' + 'dio') is not seen through.
 */
export async function maySound(
  store: ObjectStore,
  { ref, inputProps }: ResolvedComposition,
): Promise<boolean> {
  if (ref.kind !== 'bundle') return true;
  if (SOUNDING.test(JSON.stringify(inputProps))) return true;
  const { files } = await readBundle(store, ref.digest);
  const heard = Object.values(files).filter(({ contentType }) => !MUTE.test(contentType));
  const bytes = heard.reduce((sum, { size }) => sum + size, 0);
  if (heard.length > MAX_FILES || bytes > MAX_TEXT_BYTES) return true;
  if (heard.some(({ contentType }) => !TEXT.test(contentType))) return true;
  for (const { sha256 } of heard) {
    const text = (await readBytes(store, blobKey(sha256))).toString('utf8');
    if (SOUNDING.test(text)) return true;
  }
  return false;
}
