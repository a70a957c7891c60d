import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFfmpeg } from '../../src/utils/ffmpeg.ts';
import type { Subject } from '../prepare.ts';
import { runCommand } from './run-command.ts';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const TO_VIDEO = 'settb=1/30,setpts=N,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p';

/** Frames of a video, by its packets. */
export async function countFrames(file: string): Promise<number> {
  const list = await runFfmpeg(['-i', file, '-map', '0:v:0', '-c', 'copy', '-f', 'framecrc', '-']);
  return list
    .toString()
    .split('\n')
    .filter((line) => /^\d/.test(line)).length;
}

/** Takes the first frames of a look as PNG, which the browser makes: not by the way that ours takes by itself. */
export async function takeReference(subject: Subject, frames: number, folder: string): Promise<void> {
  await runCommand({
    file: process.execPath,
    args: [
      ...[
        cli,
        'render',
        subject.folder,
        '--frames',
        `0-${frames - 1}`,
        '--capture',
        'begin-frame',
        '--quiet',
      ],
      ...['--codec', 'png', '--output', path.join(folder, 'pictures')],
    ],
    env: { HELIOS_STORE: path.join(folder, 'store') },
  });
}

/** Mean SSIM (luma and chroma, 4:2:0) of a video's first frames against pictures. */
export async function similarity(file: string, folder: string): Promise<number> {
  const [first = ''] = (await readdir(path.join(folder, 'pictures'))).sort();
  const { name, ext } = path.parse(first);
  const pattern = path.join(folder, 'pictures', `%0${name.length}d${ext}`);
  const stats = await runFfmpeg([
    ...['-i', file, '-framerate', '30', '-start_number', String(Number(name)), '-i', pattern],
    ...['-filter_complex', `[0:v]${TO_VIDEO}[a];[1:v]${TO_VIDEO}[b];[a][b]ssim=shortest=1:stats_file=-`],
    ...['-f', 'null', '-'],
  ]);
  const all = [...stats.toString().matchAll(/All:([\d.]+)/g)].map(([, value]) => Number(value));
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}
