import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Gcloud, type GcloudOptions } from '../../src/cli/gcloud.ts';

/** Fails as often as the file `failures` says, with what `text` says. */
const GCLOUD = `#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> calls
left=$(cat failures)
[ "$left" -gt 0 ] || exit 0
echo $((left - 1)) > failures
cat text >&2
exit 1
`;

let folder: string;
let before: string | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-gcloud-'));
  await writeFile(path.join(folder, 'gcloud'), GCLOUD);
  await chmod(path.join(folder, 'gcloud'), 0o755);
  before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
});
afterEach(async () => {
  process.env.PATH = before;
  await rm(folder, { recursive: true });
});

async function open(failures: number, text: string, more: Partial<GcloudOptions> = {}): Promise<Gcloud> {
  await writeFile(path.join(folder, 'failures'), String(failures));
  await writeFile(path.join(folder, 'text'), text);
  const { signal } = new AbortController();
  const base = { project: 'project', dryRun: false, verbose: false, signal, onCommand: () => {} };
  return new Gcloud({ ...base, retrySeconds: [0, 0, 0], ...more });
}

const calls = async (): Promise<number> =>
  (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n').length;

test.each([
  'ERROR: (gcloud.iam) INVALID_ARGUMENT: Service account a@b does not exist.',
  'ERROR: (gcloud.builds.submit) PERMISSION_DENIED: The caller does not have permission',
])('waits for what IAM does not know yet: %s', async (text) => {
  const gcloud = await open(3, text);
  await gcloud.runOnceKnown('builds', 'submit');
  expect(await calls()).toBe(4);
});

test('gives up on what stays unknown, and at once on anything else', async () => {
  const unknown = await open(9, 'PERMISSION_DENIED: never');
  await expect(unknown.runOnceKnown('builds', 'submit')).rejects.toMatchObject({
    name: 'DeployError',
    details: { output: 'PERMISSION_DENIED: never' },
  });
  expect(await calls()).toBe(4);
  const other = await open(9, 'ERROR: no disk');
  await expect(other.runOnceKnown('builds', 'submit')).rejects.toMatchObject({ name: 'DeployError' });
  expect(await calls()).toBe(5);
});

test('a wait ends when the deployment is cancelled', async () => {
  const gcloud = await open(9, 'does not exist', { signal: AbortSignal.timeout(500), retrySeconds: [60] });
  await expect(gcloud.runOnceKnown('builds', 'submit')).rejects.toMatchObject({ name: 'AbortedError' });
  expect(await calls()).toBe(1);
});
