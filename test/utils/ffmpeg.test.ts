import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { pacingArgs } from '../../src/utils/ffmpeg.ts';
import { createWorkFolder } from '../../src/utils/work-folder.ts';

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
