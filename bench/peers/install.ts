import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/utils/paths.ts';
import type { Peer } from './contestant.ts';

/**
 * Installs a peer's packages below the user's cache folder, or finds them there. Their install scripts don't run:
 * nothing is downloaded but packages.
 * @returns the folder
 * @throws Error with npm's code
 */
export async function installPeer({ name, packages }: Peer): Promise<string> {
  const folder = path.join(cacheFolder(), 'bench', name.toLowerCase().replaceAll(' ', '-'));
  const manifest = JSON.stringify({ private: true, dependencies: packages });
  const done = path.join(folder, 'installed.json');
  if ((await readFile(done, 'utf8').catch(() => '')) === manifest) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), manifest);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', args, { cwd: folder }).catch(
    (error: { stderr?: string; code?: string | number }) => {
      const code = /code (\w+)/.exec(error.stderr ?? '')?.[1] ?? error.code;
      throw new Error(`npm install failed: ${code}`);
    },
  );
  await writeFile(done, manifest);
  return folder;
}
