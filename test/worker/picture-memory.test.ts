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

test('memory that was prepared is taken, and what is in it stays while it comes from the system', async () => {
  const memory = new PictureMemory();
  const large = { width: 1920, height: 1080 };
  memory.prepare(large, 'i420');
  const pictures = memory.take(large, 'i420');
  pictures.read({ read: (into) => into.fill(170) });
  const before = pictures.take(undefined).digest;
  await pictures.touch();
  expect(pictures.take(undefined).digest).toBe(before);
  expect(memory.take(large, 'i420')).not.toBe(pictures);
});
