import { cp } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Subject } from '../prepare.ts';
import { peerFile } from './contestant.ts';
import { writeLook } from './look.ts';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/**
 * A script for a page that has an element `#stage`, where it shows a look.
 * @param entry a module of bench/peers; `look.mjs` and `stage.mjs` are beside it
 */
export async function bundleStage(subject: Subject, entry: string, folder: string): Promise<string> {
  const start = path.join(folder, path.basename(entry));
  await cp(fileURLToPath(peerFile(entry)), start);
  await cp(fileURLToPath(peerFile('stage.mjs')), path.join(folder, 'stage.mjs'));
  await writeLook(subject, path.join(folder, 'look.mjs'));
  const bundled = await build({
    entryPoints: [start],
    bundle: true,
    write: false,
    format: 'iife',
    minify: true,
    nodePaths: [modules],
  });
  return (bundled.outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}
