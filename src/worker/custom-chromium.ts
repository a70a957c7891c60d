import { execFile } from 'node:child_process';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { KitError } from '../utils/errors.ts';
import { errorCode } from '../utils/fs-errors.ts';
import { rememberedDigest } from './content-digest.ts';

/** Lies beside every Chromium; where it does, the other files there are Chromium's as well. */
const OWN_FILE = 'icudtl.dat';
const VERSION_MS = 30_000;

type Environment = Readonly<Record<string, string>>;

/** What a program says of itself, which a script that starts the browser passes on; empty when it says nothing. */
async function toldVersion(program: string, env: Environment): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: VERSION_MS, env });
    return stdout.trim();
  } catch (error) {
    if (!(error as { readonly killed?: boolean }).killed) return '';
    throw new KitError(
      `${program} does not say its version within ${VERSION_MS / 1000} s (--version). Check CHROMIUM_PATH.`,
      { cause: error },
    );
  }
}

/** Chromium's own files beside it and below, in a set order. */
async function filesBeside(program: string): Promise<string[]> {
  const folder = path.dirname(program);
  const beside = await readdir(folder);
  if (!beside.includes(OWN_FILE)) return [];
  const all = (await readdir(folder, { recursive: true })).map((name) => path.join(folder, name)).sort();
  const looks = await Promise.all(
    all.map(async (file) => (await stat(file).catch(() => undefined))?.isFile()),
  );
  return all.filter((file, place) => looks[place] && file !== program);
}

/**
 * The version of a browser that is not the kit's: of its bytes, those of the files beside it when they are its own,
 * and of what it says of itself.
 * @param folder where digests are remembered
 * @param env as it will be started in
 * @throws KitError when there is no such file, or it does not answer
 */
export async function customVersion(program: string, folder: string, env: Environment): Promise<string> {
  const real = await realpath(program).catch((cause: unknown) => {
    throw new KitError(`CHROMIUM_PATH names no file: ${program}.`, {
      cause,
      details: { code: errorCode(cause) },
    });
  });
  const digest = await rememberedDigest([real, ...(await filesBeside(real))], folder);
  return `custom-${sha256(canonicalJson({ digest, told: await toldVersion(program, env) })).slice(0, 12)}`;
}
