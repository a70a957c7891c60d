import { expect, test } from 'vitest';
import { resendDelay } from '../../src/adapters/resend-delay.ts';
import { retryAfterSeconds } from '../../src/adapters/retry-after.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

test.each([
  ['0', 0],
  ['7', 7],
  ['3600', 3600],
  ['Thu, 01 Jan 2026 00:00:45 GMT', 45],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  [undefined, undefined],
  ['', undefined],
  ['soon', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['some time in 2099', undefined],
  ['Thu, 99 Jan 2026 00:00:45 GMT', undefined],
])('Retry-After: %s asks for %s s', (text, seconds) => {
  expect(retryAfterSeconds(text, now)).toBe(seconds);
});

/** Least and most of many waits. */
function bounds(resend: Parameters<typeof resendDelay>[0]): [number, number] {
  const waits = Array.from({ length: 500 }, () => resendDelay(resend));
  return [Math.min(...waits), Math.max(...waits)];
}

test.each([
  ['a first one', { number: 1, backoffMs: 500, leftMs: 1e6 }, [0, 500]],
  ['a third one', { number: 3, backoffMs: 500, leftMs: 1e6 }, [0, 2_000]],
  ['a late one', { number: 30, backoffMs: 500, leftMs: 1e6 }, [0, 20_000]],
  ['what was asked for', { number: 1, backoffMs: 500, retryAfterSeconds: 90, leftMs: 1e6 }, [90_000, 90_500]],
  [
    'more than is left',
    { number: 1, backoffMs: 500, retryAfterSeconds: 90, leftMs: 30_000 },
    [30_000, 30_500],
  ],
  ['nothing is left', { number: 1, backoffMs: 500, retryAfterSeconds: 90, leftMs: -5 }, [0, 500]],
] as const)('the wait for %s', (_, resend, [least, most]) => {
  const [shortest, longest] = bounds(resend);
  expect(shortest).toBeGreaterThanOrEqual(least);
  expect(longest).toBeLessThanOrEqual(most);
  // It is spread over its whole range.
  expect(longest - shortest).toBeGreaterThan(0.8 * (most - least));
});
