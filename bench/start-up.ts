import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import type { Subject } from './prepare.ts';

/** Milliseconds by part, from a fresh process to the first picture. */
export type StartUp = Readonly<Record<string, number>>;

/** Starts a fresh process twice: with nothing unpacked yet, then with the kit in its cache. */
export async function measureStartUp({ folder }: Subject): Promise<{ cold: StartUp; warm: StartUp }> {
  await using cache = await createWorkFolder('start');
  const start = async (): Promise<StartUp> => {
    const script = fileURLToPath(new URL('start.ts', import.meta.url));
    const env = { ...process.env, XDG_CACHE_HOME: cache.path };
    const { stdout } = await promisify(execFile)(process.execPath, [script, folder, `${cache.path}/store`], {
      env,
    });
    return JSON.parse(stdout) as StartUp;
  };
  const cold = await start();
  return { cold, warm: await start() };
}
