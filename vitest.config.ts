import { defineConfig } from 'vitest/config';

const tests = (...rooms: readonly string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);

/** Loading the CDK takes longer than these tests do: they share it. */
const sharing = tests('cdk');
/** Kills, pauses and full disks, and what they leave behind, need the machine for themselves. */
const oneByOne = [
  'abort',
  'budget',
  'busy-machine',
  'full-disk',
  'killed-processes',
  'random-kills',
  'same-bytes',
  'stragglers',
].map((fault) => `test/faults/${fault}.test.ts`);

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    globalSetup: 'test/helpers/test-folder.ts',
    testTimeout: 180_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'sharing',
          include: sharing,
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: [...sharing, ...oneByOne],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: 'one by one', include: oneByOne, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
