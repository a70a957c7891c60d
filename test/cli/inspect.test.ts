import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Inspection } from '../../src/orchestrator/inspect.ts';
import { Cli, fixture } from './run-cli.ts';

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

async function inspect(...args: string[]): Promise<Inspection> {
  const { status, stdout, stderr } = await cli.run(['inspect', ...args, '--json']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Inspection;
}

test('tells size, length and fonts of a Helios composition', async () => {
  expect(await inspect(fixture('barcode-helios-dom'))).toMatchObject({
    kind: 'helios',
    title: 'Barcode: Helios, DOM',
    width: 320,
    height: 180,
    fps: 30,
    durationInFrames: 90,
    durationSeconds: 3,
    audioTracks: [],
    framesSeen: [0, 44, 89],
    fonts: [{ family: 'Arimo', ofPage: false }],
    failedRequests: [],
    console: [],
    errors: [],
  });
});

test('tells the sounds of a page by their files', async () => {
  const { kind, audioTracks } = await inspect(fixture('beeps'));
  expect(kind).toBe('page');
  expect(audioTracks).toMatchObject([
    { source: 'beeps.flac', startTime: 0, volume: 1, fadeIn: 0, fadeOut: 0 },
  ]);
});

test('goes on where a render would fail, and tells why it would', async () => {
  const names = ['bad/missing-image', 'bad/script-throws-at-frame-20', 'bad/console-error'];
  const [missing, throwing, loud] = await Promise.all(names.map((name) => inspect(fixture(name))));
  expect(missing?.failedRequests).toMatchObject([{ url: 'http://composition.localhost/missing.png' }]);
  expect(missing?.warnings).toHaveLength(1);
  expect(throwing?.errors).toMatchObject([{ name: 'PageScriptError' }]);
  expect(loud?.console).toEqual([{ level: 'error', text: 'wrong at frame 10 Object', frame: 10 }]);
});

test('pretty text names what is there', async () => {
  const { stdout } = await cli.run(['inspect', fixture('beeps')]);
  expect(stdout).toContain('web page: A beep and a flash each second');
  expect(stdout).toContain('6.00 s, 180 frames');
  expect(stdout).toContain('beeps.flac from 0.00 s');
});

test('a healthy machine passes the doctor', async () => {
  const { status, stdout } = await cli.run(['doctor', '--json']);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; status: string }[] };
  expect(checks.map(({ name }) => name)).toEqual([
    'Node.js',
    'Chromium',
    'WebGL',
    'FFmpeg',
    'Encoders',
    'Fonts',
    'Store',
    'Temp folder',
    'Memory',
  ]);
  expect(checks.filter((check) => check.status === 'fail')).toEqual([]);
  expect(ok).toBe(true);
  expect(status).toBe(0);
});

test('the doctor finds a missing browser and a missing encoder', async () => {
  const nowhere = cli.path('nowhere');
  const { status, stdout } = await cli.run(['doctor'], { CHROMIUM_PATH: nowhere, FFMPEG_PATH: nowhere });
  expect(stdout).toContain(`✗ Chromium     CHROMIUM_PATH names no file: ${nowhere}.`);
  expect(stdout).toContain(`✗ FFmpeg       FFmpeg does not start (${nowhere}).`);
  expect(stdout).toContain('✓ Fonts');
  expect(status).toBe(1);
});
