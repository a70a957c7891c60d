import { chmod, copyFile } from 'node:fs/promises';
import path from 'node:path';
import { packagedFfmpeg } from '../src/utils/ffmpeg.ts';
import { buildLayer, describeLayer, type Layer } from './layer.ts';
import { assertStaticElf } from './static-elf.ts';

/**
 * The FFmpeg that renders locally: `FFMPEG_PATH`, else the one of the npm package.
 * @throws KitError when it is missing or needs shared libraries
 */
export async function buildFfmpegLayer(target?: string): Promise<Layer> {
  const source = process.env.FFMPEG_PATH || packagedFfmpeg();
  await assertStaticElf(source);
  return buildLayer(
    {
      name: 'ffmpeg',
      inputs: [source],
      settings: {},
      async make(folder) {
        const program = path.join(folder, 'ffmpeg');
        await copyFile(source, program);
        await chmod(program, 0o755);
      },
    },
    target,
  );
}

if (import.meta.main) console.log(describeLayer(await buildFfmpegLayer()));
