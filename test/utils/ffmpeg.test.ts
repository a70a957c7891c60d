import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { pacingArgs, startFfmpeg } from '../../src/utils/ffmpeg.ts';
import { createWorkFolder } from '../../src/utils/work-folder.ts';
import { matroskaHeader, matroskaPictureHead } from '../../src/worker/matroska.ts';

const before = process.env.FFMPEG_PATH;
afterEach(() => {
  if (before === undefined) delete process.env.FFMPEG_PATH;
  else process.env.FFMPEG_PATH = before;
});

test.each([
  ['4.1', '58. 35.100', '-vsync'],
  ['5.0', '59. 18.100', '-vsync'],
  ['5.1.9', '59. 37.100', '-fps_mode'],
  ['N-125000-g0123456789', '63.  1.100', '-fps_mode'],
])('FFmpeg %s is told of the times of frames by an option that it has', async (version, codecs, option) => {
  await using folder = await createWorkFolder('ffmpeg-version');
  const ffmpeg = path.join(folder.path, 'ffmpeg');
  const told = `ffmpeg version ${version} Copyright\nlibavutil      56. 22.100\nlibavcodec     ${codecs} / ${codecs}`;
  await writeFile(ffmpeg, `#!/bin/sh\ncat <<END\n${told}\nEND\n`);
  await chmod(ffmpeg, 0o755);
  process.env.FFMPEG_PATH = ffmpeg;
  expect(await pacingArgs('vfr')).toEqual([option, 'vfr']);
});

test('one that does not start is told of each time that it is asked', async () => {
  process.env.FFMPEG_PATH = '/nowhere/ffmpeg';
  for (let attempt = 0; attempt < 2; attempt++)
    await expect(pacingArgs('vfr')).rejects.toThrow('Check FFMPEG_PATH');
});

/** Page faults so far that needed no disk: the tenth field of /proc/<pid>/stat, see proc(5). */
function faultsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[7]);
}

test('the memory of a raw picture is used again for the next one', async () => {
  const size = { width: 1920, height: 1080 };
  const picture = Buffer.alloc(size.width * size.height * 1.5, 100);
  const pages = picture.length / 4096;
  const ffmpeg = startFfmpeg(['-f', 'matroska', '-i', 'pipe:0', '-c:v', 'rawvideo', '-f', 'null', '-']);
  ffmpeg.stdout.resume();
  const give = async (from: number, to: number) => {
    for (let frame = from; frame < to; frame++) {
      ffmpeg.stdin.write(matroskaPictureHead(frame * 40_000, picture.length));
      if (!ffmpeg.stdin.write(picture)) await once(ffmpeg.stdin, 'drain');
    }
    await sleep(300);
    return faultsOf(ffmpeg.pid as number);
  };
  ffmpeg.stdin.write(matroskaHeader({ ...size, format: 'i420', frameMicroseconds: 40_000 }));
  const few = await give(0, 10);
  const more = await give(10, 40);
  ffmpeg.stdin.end();
  await ffmpeg.done;
  expect(few).toBeGreaterThan(pages);
  expect((more - few) / 30).toBeLessThan(pages / 4);
});
