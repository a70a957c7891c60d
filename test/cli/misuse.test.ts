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

test('tells the version, and help with examples', async () => {
  const version = await cli.run(['--version']);
  expect(version).toMatchObject({ status: 0, stderr: '' });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = await cli.run(['render', '--help']);
  expect(help.status).toBe(0);
  expect(help.stdout).toContain('--frames <range>');
  expect(help.stdout).toContain('helios-infra render ./intro --output intro.mp4');
});

test('an old Node.js is told to go before a command is loaded, which it could not do', async () => {
  const old = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.20.2'}})";
  const ended = await cli.run(['render', 'x'], { NODE_OPTIONS: `--import=${old}` });
  expect(ended).toMatchObject({ status: 1, stdout: '' });
  expect(ended.stderr).toMatch(
    /VersionMismatchError: Node\.js 20\.20\.2 is too old\. Install 22\.17\.0 or newer\./,
  );
});

test.concurrent.each([
  ['nothing to render', [], 'ValidationError: Nothing to render'],
  ['an unknown flag', ['x', '--fast'], "unknown option '--fast'"],
  ['a range that runs backwards', ['x', '--frames', '9-3'], "'9-3' is invalid"],
  ['a crf beyond the scale', ['x', '--crf', '70'], 'encoding.crf'],
  [
    'a time that is none',
    ['x', '--max-time', 'soon'],
    "'soon' is invalid. It must be a time, such as 90s, 15m or 1h30m",
  ],
  ['a cost below nothing', ['x', '--max-cost', '-1'], 'budget.maxCost'],
  [
    'a cost of a render on this machine',
    ['x', '--max-cost', '1'],
    'ValidationError: budget.maxCost: only a farm counts',
  ],
  ['an output of no codec', ['x', '-o', 'out.avi'], 'the path is out.avi'],
  ['props that are not JSON', ['x', '--props', '{no'], '--props is not JSON'],
  ['a place that is none', ['x', '--on', 'the moon'], "'the moon' is invalid"],
])('%s is wrong usage', async (_, args, message) => {
  const { status, stdout, stderr } = await cli.run(['render', ...args]);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('an asset that fails ends the render with what, where and what to do', async () => {
  const failed = await cli.run(['render', fixture('bad/missing-image'), '-o', 'a.mp4', '--json']);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('✗ AssetError: The page, while it loaded, could not load the image');
  expect(failed.stderr).toContain('url: http://composition.localhost/missing.png');
  expect(failed.stderr).toContain('--on-asset-error warn');
  expect(failed.stderr).not.toContain('    at ');
  expect(failed.lines().at(-1)).toMatchObject({
    type: 'error',
    name: 'AssetError',
    details: { url: 'http://composition.localhost/missing.png' },
  });
  const debug = await cli.run(['render', 'nowhere'], { HELIOS_DEBUG: '1' });
  expect(debug.status).toBe(1);
  expect(debug.stderr).toContain('CompositionNotFoundError');
  expect(debug.stderr).toContain('    at ');
});
