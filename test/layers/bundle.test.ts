import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleEntry, NEVER_LOADED, OF_OTHER_CLOUDS } from '../../lambda/bundle.ts';
import * as errors from '../../src/utils/errors.ts';
import { packageFolder, packageVersion } from '../../src/utils/package-version.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bundle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the same sources give the same bundle, which knows our version and nothing of this machine', async () => {
  const [first, second] = [path.join(folder, 'first'), path.join(folder, 'second')];
  await bundleEntry('lambda/render.ts', first);
  await bundleEntry('lambda/render.ts', second);

  const names = await readdir(first);
  expect(names.sort()).toEqual(['index.mjs', 'index.mjs.LEGAL.txt', 'package.json']);
  for (const name of names) {
    const content = await readFile(path.join(first, name));
    expect(content.equals(await readFile(path.join(second, name))), name).toBe(true);
    expect(content.includes(packageFolder()), name).toBe(false);
  }
  expect(JSON.parse(await readFile(path.join(first, 'package.json'), 'utf8'))).toMatchObject({
    version: packageVersion(),
    type: 'module',
  });
});

test('nothing is left outside but what Node has', async () => {
  const { metafile } = await bundleEntry('lambda/plan.ts', path.join(folder, 'plan'));
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  const known = new Set([...builtinModules, ...NEVER_LOADED]);
  const others = outside.filter(({ path: name }) => !known.has(name.replace(/^node:/, '')));
  expect(others.map(({ path: name, kind }) => [name, kind])).toEqual(
    OF_OTHER_CLOUDS.map((name) => [name, 'dynamic-import']),
  );
});

test('errors keep their names', async () => {
  const target = path.join(folder, 'errors');
  await bundleEntry('src/index.ts', target);
  const bundled = (await import(pathToFileURL(path.join(target, 'index.mjs')).href)) as typeof errors;

  const names = Object.keys(errors).filter((name) => name.endsWith('Error')) as (keyof typeof errors)[];
  expect(names).toContain('ValidationError');
  for (const name of names) {
    const Class = bundled[name] as typeof errors.HeliosError;
    expect(new Class('text').name).toBe(name);
  }
});
