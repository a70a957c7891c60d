import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { KitError } from '../utils/errors.ts';
import { errorCode } from '../utils/fs-errors.ts';
import { rememberedDigest } from './content-digest.ts';

/** Lies beside every Chromium; where it does, the other files there are Chromium's as well. */
const OWN_FILE = 'icudtl.dat';
const VERSION_MS = 10_000;

/** What a program says of itself, which a script that starts the browser passes on; empty when it says nothing. */
async function toldVersion(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version'], {
    timeout: VERSION_MS,
    env: {},
  }).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

/**
 * The version of a browser that is not the kit's: of its bytes, those of the files beside it when they are its own,
 * and of what it says of itself.
 * @param folder where digests are remembered
 * @throws KitError when there is no such file
 */
export async function customVersion(program: string, folder: string): Promise<string> {
  const real = await realpath(program).catch((cause: unknown) => {
    throw new KitError(`CHROMIUM_PATH names no file: ${program}.`, {
      cause,
      details: { code: errorCode(cause) },
    });
  });
  const beside = await readdir(path.dirname(real), { withFileTypes: true });
  const isOwnFolder = beside.some(({ name }) => name === OWN_FILE);
  const files = beside
    .filter((entry) => entry.isFile() && isOwnFolder)
    .map(({ name }) => path.join(path.dirname(real), name))
    .filter((file) => file !== real)
    .sort();
  const digest = await rememberedDigest([real, ...files], folder);
  return `custom-${sha256(canonicalJson({ digest, told: await toldVersion(program) })).slice(0, 12)}`;
}
