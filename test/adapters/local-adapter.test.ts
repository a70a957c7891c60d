import { expect, test, vi } from 'vitest';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';

const GIB = 1024 ** 3;
const machine = vi.hoisted(() => ({ cores: 1, memory: 0, limit: 0 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => machine.cores,
  totalmem: () => machine.memory,
}));
vi.spyOn(process, 'constrainedMemory').mockImplementation(() => machine.limit);

test.each([
  { cores: 1, memory: 8, limit: 0, capacity: 1 },
  { cores: 2, memory: 8, limit: 0, capacity: 2 },
  { cores: 2, memory: 2, limit: 0, capacity: 1 },
  { cores: 2, memory: 8, limit: 2, capacity: 1 },
  { cores: 3, memory: 8, limit: 0, capacity: 2 },
  { cores: 8, memory: 16, limit: 0, capacity: 4 },
])('$cores cores, $memory GiB, a limit of $limit GiB: $capacity at the same time', (sketch) => {
  Object.assign(machine, { ...sketch, memory: sketch.memory * GIB, limit: sketch.limit * GIB });
  expect(new LocalAdapter().getStatus().capacity).toBe(sketch.capacity);
  expect(new LocalAdapter({ concurrency: 3 }).getStatus().capacity).toBe(3);
});
