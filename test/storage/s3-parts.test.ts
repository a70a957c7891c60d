import { expect, test } from 'vitest';
import type { Section } from '../../src/storage/object-store.ts';
import { planParts } from '../../src/storage/s3-parts.ts';

const MIB = 1024 ** 2;

async function* nothing(): AsyncGenerator<Uint8Array> {}
const bytes = (length: number): Section => ({ length, open: nothing });
const stored = (...lengths: readonly number[]): Section => ({
  length: lengths.reduce((sum, length) => sum + length, 0),
  open: nothing,
  stored: lengths.map((length, n) => ({ key: `object-${n}`, start: 100, end: 100 + length })),
});

/** `copy <MiB>` and `gather <MiB>` of each part. */
function told(...sections: readonly Section[]): string[] {
  const size = (span: { length: number } | { start: number; end: number }): number =>
    ('length' in span ? span.length : span.end - span.start) / MIB;
  return planParts(sections).map((part) =>
    'copy' in part ? `copy ${size(part.copy)}` : `gather ${part.gather.map(size).join('+')}`,
  );
}

test('small sections are gathered until they are worth a part', () => {
  expect(told(...Array.from({ length: 9 }, () => bytes(2 * MIB)))).toEqual([
    'gather 2+2+2',
    'gather 2+2+2',
    'gather 2+2+2',
  ]);
});

test('what lies in the bucket is copied', () => {
  expect(told(stored(20 * MIB), stored(6 * MIB))).toEqual(['copy 20', 'copy 6']);
});

test('what is missing of a part before a copy is taken from what is copied', () => {
  expect(told(bytes(MIB), stored(20 * MIB), stored(2 * MIB, 30 * MIB))).toEqual([
    'gather 1+4',
    'copy 16',
    'gather 2+3',
    'copy 27',
  ]);
});

test('what would leave less than a part to copy is gathered', () => {
  expect(told(bytes(MIB), stored(8 * MIB), bytes(MIB))).toEqual(['gather 1+8', 'gather 1']);
});

test('no part is smaller than S3 takes, and there are no more than it takes', () => {
  const sections = Array.from({ length: 9_000 }, (_, n) =>
    n % 2 ? stored(((n * 7919) % 90) * MIB) : bytes(((n * 31) % 70) * 100_000),
  );
  const parts = planParts(sections);
  expect(parts.length).toBeLessThanOrEqual(10_000);
  const sizes = parts.map((part) =>
    ('copy' in part ? [part.copy] : part.gather)
      .map((span) => ('length' in span ? span.length : span.end - span.start))
      .reduce((sum, length) => sum + length, 0),
  );
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThanOrEqual(5 * MIB);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(sections.reduce((sum, { length }) => sum + length, 0));
});

test('more than S3 copies at once is copied in parts', () => {
  expect(told(stored(2_500 * MIB))).toEqual(['copy 1024', 'copy 1024', 'copy 452']);
});
