import { randomUUID } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { canonicalJson, sha256, sha256File } from '../utils/digest.ts';

/** Digest of files' names and bytes, in the order given. */
export async function contentDigest(files: readonly string[]): Promise<string> {
  const parts = files.map(async (file) => [path.basename(file), await sha256File(file)]);
  return sha256(canonicalJson(await Promise.all(parts)));
}

/** As `contentDigest`; remembered in `folder`, where it can be written, for as long as no file has another size or time. */
export async function rememberedDigest(files: readonly string[], folder: string): Promise<string> {
  const looks = files.map(async (file) => {
    const { size, mtimeMs, ctimeMs } = await stat(file);
    return [file, size, mtimeMs, ctimeMs];
  });
  const memory = path.join(folder, `digest-${sha256(canonicalJson(await Promise.all(looks))).slice(0, 32)}`);
  const known = await readFile(memory, 'utf8').catch(() => '');
  if (/^[0-9a-f]{64}$/.test(known)) return known;
  const digest = await contentDigest(files);
  const partial = `${memory}.${randomUUID()}`;
  await writeFile(partial, digest)
    .then(() => rename(partial, memory))
    .catch(() => {});
  return digest;
}
