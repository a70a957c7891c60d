import { rm } from 'node:fs/promises';
import path from 'node:path';
import { bundleEntry } from '../lambda/bundle.ts';
import { packageFolder } from '../src/utils/package-version.ts';

/** The programs of the image: each has an entry here, and a folder of that name in `dist/image`. */
export const PROGRAMS = ['server', 'job', 'prepare-kit'] as const;

/** Bundles the image's programs, each with all it imports, into folders below `target`. */
export async function bundlePrograms(target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  for (const name of PROGRAMS) await bundleEntry(`cloud-run/${name}.ts`, path.join(target, name), []);
}

if (import.meta.main) await bundlePrograms(path.join(packageFolder(), 'dist', 'image'));
