import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createWorkFolder } from '../../src/utils/work-folder.ts';
import { Encoder } from '../../src/worker/encoder.ts';
import type { Picture } from '../../src/worker/picture.ts';
import { RawPictures } from '../../src/worker/raw-pictures.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

const size = { width: 64, height: 36 };
const FRAMES = 200;

test('small pictures are not changed while they wait for an encoder that is slow to start', async () => {
  await using folder = await createWorkFolder('slow-encoder');
  const slow = path.join(folder.path, 'ffmpeg');
  await writeFile(slow, `#!/bin/sh\nsleep 1\nexec ${ffmpegPath} "$@"\n`);
  await chmod(slow, 0o755);
  const before = process.env.FFMPEG_PATH;
  process.env.FFMPEG_PATH = slow;
  const file = path.join(folder.path, 'segment.mov');
  try {
    const encoder = await Encoder.open({
      encoding: { codec: 'h264', scale: 1, everyNthFrame: 1, transparent: false, muted: true },
      fps: 30,
      pictures: 'i420',
      size,
      pictureSize: size,
      file,
    });
    const pictures = new RawPictures(size, 'i420');
    let last: Picture | undefined;
    for (let frame = 0; frame < FRAMES; frame++) {
      pictures.read({ read: (into) => into.fill(frame) });
      const picture = pictures.take(last);
      last = picture;
      await encoder.write(picture);
    }
    await encoder.finish();
  } finally {
    if (before === undefined) delete process.env.FFMPEG_PATH;
    else process.env.FFMPEG_PATH = before;
  }
  const stdout = await runTool(ffmpegPath, [
    ...['-loglevel', 'error', '-i', file, '-vf', 'scale=in_range=tv:out_range=pc,format=gray'],
    ...['-f', 'rawvideo', '-vsync', '0', '-'],
  ]);
  const shown = Array.from({ length: FRAMES }, (_, frame) => stdout[frame * size.width * size.height] ?? -1);
  for (const [frame, level] of shown.entries())
    expect(Math.abs(level - frame), `frame ${frame} shows ${level}`).toBeLessThan(4);
});
