import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { decodeBarcodes, decodeBarcodesOfImages } from '../helpers/barcode.ts';
import { probe } from '../helpers/media-info.ts';
import { Cli, fixture, processesOf } from './run-cli.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let cli: Cli;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-cli-'));
  const temp = path.join(folder, 'temp');
  await mkdir(temp);
  cli = new Cli(folder, temp);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('renders the frames asked for and tells it in JSON lines', async () => {
  const { status, stderr, lines } = await cli.run([
    'render',
    fixture('barcode-css'),
    '--frames',
    '10-39',
    '--segments',
    '2',
    '-o',
    'json.mp4',
    '--json',
  ]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const told = lines();
  expect(told.at(-1)).toMatchObject({
    type: 'result',
    output: cli.path('json.mp4'),
    frames: 30,
    segments: { total: 2, cached: 0, rendered: 2 },
  });
  const progress = told.slice(0, -1);
  expect(progress.every(({ type }) => type === 'progress')).toBe(true);
  expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(['bundle', 'plan', 'render', 'stitch']);
  expect(await decodeBarcodes(cli.path('json.mp4'))).toEqual(range(10, 40));
});

test('tells people what came out, and finds the segments again', async () => {
  const args = ['render', fixture('barcode-css'), '--frames', '10-39', '--segments', '2', '-o', 'text.webm'];
  const first = await cli.run(args);
  expect(first.status).toBe(0);
  expect(first.stderr).toMatch(/^Bundling\nPlanning\nRendering 0 %.*\n/);
  expect(first.stdout).toContain('✓ text.webm');
  expect(first.stdout).toContain('30 frames, 1.00 s at 30 fps, 320×180, no sound');
  expect((await probe(cli.path('text.webm'))).streams[0]?.codec_name).toBe('vp9');
  const again = await cli.run(args);
  expect(again.stdout).toContain('2 segments: 0 rendered, 2 from the store');
  const quiet = await cli.run([...args, '--quiet']);
  expect(quiet).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test('writes a still to just the file named', async () => {
  const { status, stderr } = await cli.run([
    'still',
    fixture('barcode-css'),
    '--frame',
    '33',
    '--scale',
    '2',
    '-o',
    'stills/33.png',
    '--quiet',
  ]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(await readdir(cli.path('stills'))).toEqual(['33.png']);
  expect(await decodeBarcodesOfImages([cli.path('stills/33.png')])).toEqual([33]);
  expect((await probe(cli.path('stills/33.png'))).streams[0]).toMatchObject({ width: 640, height: 360 });
});

test("reads upstream's job.json and runs none of its commands", async () => {
  const page = fixture('barcode-css/index.html');
  const command = (start: number, part: number) =>
    `helios render ${path.relative(folder, page)} -o part_${part}.mov --start-frame ${start} --frame-count 15 ` +
    `--width 320 --height 180 --fps 30 --quality 18 --mode dom --audio-codec pcm_s16le; touch ran`;
  const job = {
    metadata: { totalFrames: 30, fps: 30, width: 320, height: 180, duration: 1 },
    chunks: [5, 20].map((startFrame, id) => ({
      id,
      startFrame,
      frameCount: 15,
      outputFile: `part_${id}.mov`,
      command: command(startFrame, id),
    })),
    mergeCommand: 'helios merge from job.mp4 part_0.mov part_1.mov --video-codec libx265 && touch ran',
  };
  await writeFile(cli.path('job.json'), JSON.stringify(job));
  const { status, lines } = await cli.run(['render', '--job', 'job.json', '--json']);
  expect(lines().at(-1)).toMatchObject({ frames: 30, segments: { total: 2 } });
  expect(status).toBe(0);
  const file = cli.path('from job.mp4');
  expect(await decodeBarcodes(file)).toEqual(range(5, 35));
  expect((await probe(file)).streams[0]?.codec_name).toBe('hevc');
  expect(await readdir(folder)).not.toContain('ran');
});

test.each([
  ['SIGINT', 130, '"framesDone":1'],
  ['SIGTERM', 143, '"phase":"plan"'],
] as const)('%s to the process group cancels and leaves nothing behind', async (signal, exit, moment) => {
  await mkdir(cli.path(signal));
  const { child, ended, waitFor } = cli.start([
    'render',
    fixture('barcode-css'),
    '--duration',
    '90',
    '-o',
    `${signal}/out.mp4`,
    '--json',
  ]);
  await waitFor(moment);
  const pid = child.pid as number;
  process.kill(-pid, signal);
  const { status, stderr, lines } = await ended;
  expect(stderr).toBe('Cancelled.\n');
  expect(status).toBe(exit);
  expect(lines().at(-1)).toMatchObject({ type: 'error', name: 'AbortedError' });
  expect(await processesOf(pid)).toEqual([]);
  expect(await readdir(cli.path(signal))).toEqual([]);
  expect(await readdir(cli.temp)).toEqual([]);
});
