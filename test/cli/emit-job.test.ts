import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEmittedJob } from '../../src/cli/emit-job.ts';
import { ValidationError } from '../../src/utils/errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-job-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(text: string) {
  const file = path.join(folder, 'job.json');
  await writeFile(file, text);
  return readEmittedJob(file);
}

test('flags of the merge go before those of the chunks', async () => {
  const command = (start: number) =>
    `helios render my page.html -o a.mov --start-frame ${start} --frame-count 10 --fps 30000/1001 --quality 30 --video-codec prores_ks`;
  const job = await read(
    JSON.stringify({
      metadata: { totalFrames: 20, fps: 29, width: 640, height: 360, duration: 1 },
      chunks: [
        { startFrame: 10, frameCount: 10, outputFile: 'b.mov', command: command(10) },
        { startFrame: 0, frameCount: 10, outputFile: 'a.mov', command: command(0) },
      ],
      mergeCommand: 'helios merge out/all.mp4 b.mov a.mov --quality 18 --audio-codec aac',
    }),
  );
  expect(job).toEqual({
    source: path.resolve('my page.html'),
    composition: { source: 'my page.html', width: 640, height: 360, fps: '30000/1001', durationInFrames: 20 },
    frameRange: [0, 20],
    outputPath: path.join(folder, 'out/all.mp4'),
    encoding: { codec: 'h264', crf: 18, audioCodec: 'aac' },
    chunking: { segments: 2 },
  });
});

const chunk = (startFrame: number, command = 'helios render page.html -o a.mov') => ({
  id: 0,
  startFrame,
  frameCount: 10,
  outputFile: 'a.mov',
  command,
});
test.each([
  ['no JSON', '{', 'is not JSON'],
  ['no chunks', JSON.stringify({ chunks: [] }), 'chunks: '],
  ['a gap', JSON.stringify({ chunks: [chunk(0), chunk(11)] }), 'frame 10 should follow'],
  [
    'frames missing',
    JSON.stringify({ metadata: { totalFrames: 11 }, chunks: [chunk(0)] }),
    'is 11, and the chunks',
  ],
  ['another command', JSON.stringify({ chunks: [chunk(0, 'rm -rf page.html')] }), 'names no composition'],
  ['two pages', JSON.stringify({ chunks: [chunk(0), chunk(10, 'helios render b.html')] }), 'more than one'],
])('a job file with %s is refused', async (_, text, message) => {
  const failure = await read(text).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ValidationError);
  expect((failure as Error).message).toContain(message);
});
