import { fileURLToPath } from 'node:url';
import { packageVersion } from '../../src/utils/package-version.ts';
import type { Contestant } from './contestant.ts';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The built command, with a store that knows nothing. */
export const ours: Contestant = {
  name: 'ours',
  version: packageVersion(),
  note: 'the command line with a new store; its default: x264 veryfast with less search and no B-frames, crf 20',
  parallel: true,
  framesOf: ({ frames }) => frames,
  command: async ({ subject, frames, concurrency, output, folder }) => ({
    file: process.execPath,
    args: [
      ...[cli, 'render', subject.folder, '--output', output, '--frames', `0-${frames - 1}`],
      ...['--duration', String(Math.max(10, frames / 30)), '--concurrency', String(concurrency), '--quiet'],
    ],
    env: { HELIOS_STORE: folder },
  }),
};
