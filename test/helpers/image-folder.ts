import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundlePrograms } from '../../cloud-run/bundle.ts';
import { buildFfmpegLayer } from '../../layers/ffmpeg.ts';
import { buildFontsLayer } from '../../layers/fonts.ts';
import { listFiles } from '../../layers/tree.ts';
import { sha256, sha256File } from '../../src/utils/digest.ts';
import { errorCode } from '../../src/utils/fs-errors.ts';
import { packageFolder } from '../../src/utils/package-version.ts';
import { openKit } from '../../src/worker/kit.ts';
import { makeKitFolder } from '../../src/worker/kit-folder.ts';
import { packagedChromium } from '../../src/worker/packed-chromium.ts';
import { runTool } from './tools.ts';

const PREFIX = 'helios-test-image-';
const DAY_MS = 86_400_000;

/** What the programs of the image run with, in its folder. */
export function imageEnv(folder: string, home: string): Record<string, string> {
  return {
    HOME: home,
    TMPDIR: home,
    PATH: '/usr/bin:/bin',
    HELIOS_KIT: path.join(folder, 'helios'),
    XDG_CACHE_HOME: path.join(folder, 'cache'),
  };
}

/**
 * What cloud-run/Dockerfile puts into the image, in a folder: bundled programs, the kit, Node. A link to it is named
 * after all that it is made from, so that it is made once for all test files and runs. Those not used for a day are
 * removed.
 */
export async function imageFolder(): Promise<string> {
  const link = path.join(tmpdir(), PREFIX + (await sourcesDigest()));
  const { uid } = await stat(link).catch(async () => {
    await removeOld();
    // The kit knows its own place: it can't be moved there when it is done.
    const folder = await mkdtemp(path.join(tmpdir(), PREFIX));
    await fill(folder);
    await symlink(folder, link).catch((error: unknown) => {
      // Another run may have been faster.
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    return stat(link);
  });
  if (uid !== process.getuid?.()) throw new Error(`${link} belongs to somebody else.`);
  const now = new Date();
  await utimes(link, now, now);
  return realpath(link);
}

async function sourcesDigest(): Promise<string> {
  const root = packageFolder();
  const rooms = await Promise.all(
    ['src', 'cloud-run', 'layers', 'lambda'].map(async (room) =>
      (await listFiles(path.join(root, room))).map((file) => path.join(room, file)),
    ),
  );
  const files = [...rooms.flat(), 'package-lock.json', 'test/helpers/image-folder.ts'];
  const lines = files.map(async (file) => `${await sha256File(path.join(root, file))} ${file}`);
  const ffmpeg = process.env.FFMPEG_PATH;
  const others = [process.version, ffmpeg ? await sha256File(ffmpeg) : 'packaged'];
  return sha256([...(await Promise.all(lines)), ...others].join('\n')).slice(0, 24);
}

async function removeOld(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = path.join(tmpdir(), name);
    const used = (await stat(folder).catch(() => undefined))?.mtimeMs ?? 0;
    if (Date.now() - used > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}

async function fill(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  const kit = path.join(folder, 'helios');
  await openKit();
  const [, , , { version }] = await Promise.all([
    bundlePrograms(path.join(folder, 'app')),
    copyFile(process.execPath, path.join(folder, 'node')),
    cp(await makeKitFolder(), path.join(folder, 'cache', 'helios-infra', 'kit'), {
      recursive: true,
      filter: (file) => !/\/(?:font-cache|\.config)$|\/(?:digest|fonts)-[^/]*$/.test(file),
    }),
    packagedChromium(),
  ]);
  for (const layer of [await buildFfmpegLayer(), await buildFontsLayer()])
    await cp(path.join(layer.folder, 'helios'), kit, { recursive: true });
  await mkdir(path.join(kit, 'chromium'));
  await writeFile(path.join(kit, 'chromium', 'chromium.json'), JSON.stringify({ version }));
  await runTool(path.join(folder, 'node'), [path.join(folder, 'app', 'prepare-kit', 'index.mjs')], {
    env: imageEnv(folder, folder),
  });
}
