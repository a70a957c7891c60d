import { defineConfig } from 'vitest/config';

const tests = (...rooms: readonly string[]): string[] => rooms.map((room) => `test/${room}/**/*.test.ts`);

/** Loading the CDK takes longer than these tests do: they share it. */
const sharing = tests('cdk');
/** Two of these at a time take less than one after the other: none looks at the machine's other processes. */
const sideBySide = tests('truth', 'orchestrator');

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
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
        test: { name: 'side by side', include: sideBySide, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: {
          name: 'one by one',
          include: ['test/**/*.test.ts'],
          exclude: [...sharing, ...sideBySide],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
