import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Vitest's global set-up: `HELIOS_TEST_FOLDER` is there while the tests run. */
export default async function makeTestFolder(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-tests-'));
  process.env.HELIOS_TEST_FOLDER = folder;
  return () => rm(folder, { recursive: true, force: true });
}
