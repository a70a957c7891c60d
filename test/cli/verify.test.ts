import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
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

const render = (source: string, id: string, ...more: string[]) =>
  cli.run([
    'render',
    fixture(source),
    '--frames',
    '0-8',
    '--segments',
    '3',
    '--id',
    id,
    '-o',
    'a.mp4',
    ...more,
  ]);

test('a render is verified', async () => {
  const rendered = await render('barcode-css', 'good');
  expect(rendered.stdout).toContain('3 segments: 3 rendered, 0 from the store; seams: 2 the same');
  const text = await cli.run(['verify', 'good', '--frames', '4']);
  expect(text).toMatchObject({ status: 0, stderr: '' });
  expect(text.stdout).toContain('✓ good: 4 frames rendered again; 4 the same bit for bit');
});

test('a page that loses its way ends the render, unless it may go on, and is not verified', async () => {
  const failed = await render('barcode-state', 'failed', '--seek-mode', 'seek', '--json');
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('✗ SeamMismatchError: Frame 3 looks otherwise');
  expect(failed.stderr).toContain('--on-seam-mismatch warn');
  expect(failed.lines().at(-1)).toMatchObject({ type: 'error', details: { frame: 3, segments: [0, 1] } });

  const warned = await render('barcode-state', 'warned', '--seek-mode', 'seek', '--on-seam-mismatch', 'warn');
  expect(warned.status).toBe(0);
  expect(warned.stdout).toContain('seams: 2 different');
  expect(warned.stdout).toContain('! Frame 3 looks otherwise');

  const verified = await cli.run(['verify', 'warned', '--frames', '4', '--json']);
  expect(verified.status).toBe(1);
  expect(verified.lines().at(-1)).toMatchObject({
    type: 'error',
    name: 'VerificationError',
    details: { id: 'warned', checked: 4 },
  });
});

test('a render that the store does not have is not verified', async () => {
  const { status, stderr } = await cli.run(['verify', 'nobody']);
  expect(status).toBe(1);
  expect(stderr).toContain('RenderNotFoundError: The store ');
  expect(stderr).toContain('has no render of the id nobody');
  for (const way of ['cache list', '--farm NAME', 'HELIOS_STORE']) expect(stderr).toContain(way);
});
