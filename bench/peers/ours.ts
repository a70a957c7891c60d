import { fileURLToPath } from 'node:url';
import { packageVersion } from '../../src/utils/package-version.ts';
import type { Contestant } from './contestant.ts';

const cli = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** The built command, with a store that knows nothing. */
export const ours: Contestant = {
  name: 'ours',
  version: packageVersion(),
  note: 'the command line with a new store; its default: x264 veryfast subme 1 crf 20',
  parallel: true,
  framesOf: ({ frames }) => frames,
  command: async ({ subject, frames, concurrency, output, folder }) => ({
    file: process.execPath,
    args: [
      ...[cli, 'render', subject.folder, '--output', output, '--frames', `0-${frames - 1}`],
      ...['--concurrency', String(concurrency), '--quiet'],
    ],
    env: { HELIOS_STORE: folder },
  }),
};
