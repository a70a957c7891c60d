import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { manifestFolder } from '../../src/cli/gcp-manifest.ts';
import { packageFolder } from '../../src/utils/package-version.ts';
import { runTool } from '../helpers/tools.ts';
import { copiedSources } from './lint-dockerfile.ts';

const OTHERS = [
  'package.json',
  'cloud-run/app.ts',
  'cloud-run/cloudbuild.yaml',
  'dist/cli/main.js',
  'dist/image.txt',
  'dist/layers/build.js',
  'dist/layers/chromium.json',
  'examples/dist/image/server/index.mjs',
  'node_modules/package/dist/image/index.mjs',
  'src/index.ts',
];

test('Cloud Build gets what the Dockerfile copies, at any depth, and nothing else', async () => {
  const sources = copiedSources(await readFile(path.join(manifestFolder(), 'Dockerfile'), 'utf8'));
  const wanted = [
    'cloud-run/Dockerfile',
    ...sources.flatMap((source) => [`${source}file`, `${source}below/it/file.json`]),
  ];
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-context-'));
  const git = (...args: string[]) => runTool('git', ['-C', folder, '-c', 'core.excludesFile=', ...args]);
  try {
    for (const file of [...wanted, ...OTHERS]) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), file);
    }
    // gcloud reads .gcloudignore by the rules of .gitignore.
    const rules = await readFile(path.join(packageFolder(), '.gcloudignore'), 'utf8');
    await writeFile(path.join(folder, '.gitignore'), rules);
    await git('init', '--quiet');
    const found = await git('ls-files', '--others', '--exclude-standard');
    expect(found.toString().trim().split('\n').sort()).toEqual(wanted.sort());
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the package has the file that says so', async () => {
  const { files } = JSON.parse(await readFile(path.join(packageFolder(), 'package.json'), 'utf8')) as {
    files: string[];
  };
  expect(files).toContain('.gcloudignore');
});
