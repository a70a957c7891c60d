import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { KitError } from '../src/utils/errors.ts';
import { packageFolder } from '../src/utils/package-version.ts';
import { command, DebianPackages } from './debian-packages.ts';
import { buildFfmpegLayer } from './ffmpeg.ts';
import { FFMPEG_PARTS, REQUIRED } from './ffmpeg-parts.ts';
import { describeLayer } from './layer.ts';
import { assertStaticElf } from './static-elf.ts';

const SOURCE_SUITE = 'trixie';
/** With their static libraries; only FFmpeg itself is compiled. */
const LIBRARIES = [
  ...[
    'libx264-dev',
    'libx265-dev',
    'libvpx-dev',
    'libopus-dev',
    'libmp3lame-dev',
    'libnuma-dev',
    'zlib1g-dev',
  ],
  'nasm',
];
const CONFIGURE = [
  ...['--enable-gpl', '--disable-everything', '--disable-autodetect', '--disable-network', '--disable-doc'],
  ...['--disable-debug', '--disable-ffplay', '--disable-ffprobe', '--disable-avdevice', '--disable-shared'],
  ...['--enable-static', '--pkg-config-flags=--static', '--extra-ldflags=-static'],
  ...['--enable-zlib', '--enable-libx264', '--enable-libx265', '--enable-libvpx', '--enable-libopus'],
  '--enable-libmp3lame',
];

function configureArgs(revision: string): string[] {
  const parts = Object.entries(FFMPEG_PARTS).map(([kind, names]) => `--enable-${kind}=${names.join(',')}`);
  return [...CONFIGURE, ...parts, `--extra-version=${revision}`];
}

/** Paths go through the environment, for the configure line becomes part of the program. */
function compilerEnv(root: string): Record<string, string> {
  const usr = path.join(root, 'usr');
  const libraries = path.join(usr, 'lib', 'x86_64-linux-gnu');
  return {
    PATH: `${path.join(usr, 'bin')}:${process.env.PATH ?? ''}`,
    CPATH: [path.join(usr, 'include'), path.join(usr, 'include', 'x86_64-linux-gnu')].join(':'),
    LIBRARY_PATH: libraries,
    PKG_CONFIG_SYSROOT_DIR: root,
    PKG_CONFIG_LIBDIR: path.join(libraries, 'pkgconfig'),
    SOURCE_DATE_EPOCH: '315532800',
  };
}

/** Debian's x265.pc asks for the shared libgcc_s, which a static program can't have and does not need. */
async function mendX265(root: string): Promise<void> {
  const file = path.join(root, 'usr/lib/x86_64-linux-gnu/pkgconfig/x265.pc');
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('-lgcc_s', ''));
}

/**
 * Runs a program and checks that it has every part that the project needs.
 * @throws KitError that names what is missing
 */
export async function checkFfmpegParts(program: string): Promise<void> {
  const missing: string[] = [];
  for (const [option, names] of Object.entries(REQUIRED)) {
    const text = await command(program, ['-hide_banner', option]);
    const listed = new Set(text.split('\n').map((line) => line.trim().split(/\s+/)[1]));
    missing.push(
      ...names.filter((name) => !listed.has(name)).map((name) => `${option.slice(1, -1)} ${name}`),
    );
  }
  if (missing.length > 0)
    throw new KitError(`${program} lacks: ${missing.join(', ')}.`, { details: { missing } });
}

/** Builds a static FFmpeg with what the project uses, of Debian's sources. It is under the GPL. */
async function buildFfmpeg(target: string): Promise<void> {
  const work = await mkdtemp(path.join(tmpdir(), 'helios-ffmpeg-'));
  try {
    const packages = await DebianPackages.open(path.join(work, 'apt'), SOURCE_SUITE);
    const root = path.join(work, 'root');
    await packages.unpack(LIBRARIES, root);
    await mendX265(root);
    const { folder, version } = await packages.source('ffmpeg');
    const options = { cwd: folder, env: compilerEnv(root) };
    const revision = `${version.split('-').at(-1)}-helios`;
    await command('./configure', configureArgs(revision), options);
    await command('make', [`-j${availableParallelism()}`, 'ffmpeg'], options);
    const program = path.join(folder, 'ffmpeg');
    await command('strip', [program]);
    await assertStaticElf(program);
    await checkFfmpegParts(program);
    await mkdir(path.dirname(target), { recursive: true });
    await rm(target, { force: true });
    await copyFile(program, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const target = process.env.FFMPEG_PATH || path.join(packageFolder(), 'dist', 'ffmpeg', 'ffmpeg');
  await buildFfmpeg(target);
  process.env.FFMPEG_PATH = target;
  const license = await command(target, ['-hide_banner', '-L']);
  const [version] = (await command(target, ['-version'])).split('\n');
  console.log(`${version}\n${((await stat(target)).size / 1e6).toFixed(1)} MB, ${target}`);
  console.log(`${license.trim().split('\n\n')[0]?.replaceAll('\n', ' ')}`);
  console.log(describeLayer(await buildFfmpegLayer()));
  console.log(`Set FFMPEG_PATH=${target} for local renders and for deploy: both must have the same FFmpeg.`);
}
