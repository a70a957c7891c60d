import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ffmpegPath } from '../../src/utils/ffmpeg.ts';
import { cacheFolder } from '../../src/utils/paths.ts';
import { openKit } from '../../src/worker/kit.ts';
import type { Tools } from './contestant.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A shell script that starts the kit's browser: peers know a path, not an environment. */
export async function makeTools(): Promise<Tools> {
  const { chromiumPath, env } = await openKit();
  const folder = path.join(cacheFolder(), 'bench');
  const browser = path.join(folder, 'chrome-headless-shell');
  const { PATH: _, ...own } = env;
  const lines = Object.entries(own).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  await mkdir(folder, { recursive: true });
  await writeFile(browser, `#!/bin/sh\n${lines.join('')}exec ${quote(chromiumPath)} "$@"\n`);
  await chmod(browser, 0o755);
  const ffprobe = createRequire(import.meta.url).resolve('@ffprobe-installer/linux-x64/ffprobe');
  return { browser, ffmpeg: ffmpegPath(), ffprobe };
}
