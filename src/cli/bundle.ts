import { readFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { packageFolder } from '../utils/package-version.ts';

/** Packages that nearly each command needs: taken in. The others stay where npm puts them. */
const TAKEN_IN = new Set(['commander', 'mime-types', 'tar-fs', 'zod']);

const home = packageFolder();
const target = path.join(home, 'dist', 'cli');
const { dependencies } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

// A start that reads some files instead of hundreds (docs/performance.md). Names stay, as in lambda/bundle.ts.
await rm(target, { recursive: true, force: true });
await build({
  absWorkingDir: home,
  entryPoints: ['src/cli/main.ts'],
  outdir: target,
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  mainFields: ['module', 'main'],
  charset: 'utf8',
  legalComments: 'external',
  external: Object.keys(dependencies).filter((name) => !TAKEN_IN.has(name)),
  banner: {
    js: "import { createRequire as heliosCreateRequire } from 'node:module'; const require = heliosCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await chmod(path.join(target, 'main.js'), 0o755);
