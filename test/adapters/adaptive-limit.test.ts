import { expect, test } from 'vitest';
import { AdaptiveLimit } from '../../src/adapters/adaptive-limit.ts';

test('halves once for all that were at work, and grows by one a round', async () => {
  const limit = new AdaptiveLimit(8);
  const rounds = await Promise.all(Array.from({ length: 8 }, () => limit.enter()));
  for (const round of rounds) limit.overloaded(round);
  expect(limit.limit).toBe(4);
  for (const _ of rounds) limit.leave();
  for (let done = 0; done < 4; done++) limit.succeeded();
  expect(limit.limit).toBe(5);
  for (let done = 0; done < 100; done++) limit.succeeded();
  expect(limit.limit).toBe(8);
});

test('never lets more in than the limit, and all of them in the end', async () => {
  const limit = new AdaptiveLimit(3);
  let most = 0;
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      await limit.enter();
      most = Math.max(most, limit.atWork);
      await new Promise((resolve) => setTimeout(resolve, 1));
      limit.leave();
    }),
  );
  expect(most).toBe(3);
  expect(limit.atWork).toBe(0);
});

test('one that gives up waiting takes no place from the next', async () => {
  const limit = new AdaptiveLimit(1);
  await limit.enter();
  const stop = new AbortController();
  const given = limit.enter(stop.signal);
  const next = limit.enter();
  stop.abort();
  await expect(given).rejects.toMatchObject({ name: 'AbortedError' });
  limit.leave();
  await next;
  expect(limit.atWork).toBe(1);
});
