import { expect, test } from 'vitest';
import { PictureMemory } from '../../src/worker/picture-memory.ts';

const size = { width: 16, height: 8 };

test('memory that was given back is taken for pictures alike, by one at a time', () => {
  const memory = new PictureMemory();
  const first = memory.take(size, 'i420');
  expect(memory.take(size, 'i420')).not.toBe(first);
  memory.giveBack(first);
  expect(memory.take(size, 'i420')).toBe(first);
  for (const [other, format] of [
    [{ ...size, width: 18 }, 'i420'],
    [{ ...size, height: 10 }, 'i420'],
    [size, 'bgra'],
  ] as const) {
    memory.giveBack(first);
    expect(memory.take(other, format)).not.toBe(first);
  }
});
