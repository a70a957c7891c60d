import { afterEach, describe, expect, test, vi } from 'vitest';
import { AbortedError, BrowserCrashedError, EncoderError, ValidationError } from '../../src/utils/errors.ts';
import { retry } from '../../src/utils/retry.ts';

const passing = { baseMs: 1, maxMs: 1 };

/** Work that fails with the errors given and then succeeds. */
function failing(...errors: unknown[]) {
  return vi.fn(async (attempt: number) => {
    if (errors.length > 0) throw errors.shift();
    return `done at ${attempt}`;
  });
}

describe('retry', () => {
  test('calls once what succeeds', async () => {
    const work = failing();
    expect(await retry(work, passing)).toBe('done at 1');
    expect(work).toHaveBeenCalledTimes(1);
  });

  test('calls again after a retryable error, and tells of it', async () => {
    const errors = [new BrowserCrashedError('gone'), new EncoderError('killed')];
    const onRetry = vi.fn();
    expect(await retry(failing(...errors), { ...passing, onRetry })).toBe('done at 3');
    expect(onRetry.mock.calls).toEqual([
      [errors[0], 1],
      [errors[1], 2],
    ]);
  });

  test('gives the last error up after as many attempts as it may make', async () => {
    const errors = [1, 2, 3, 4, 5].map((n) => new EncoderError(`failure ${n}`));
    const work = failing(...errors);
    await expect(retry(work, passing)).rejects.toBe(errors[3]);
    expect(work).toHaveBeenCalledTimes(4);
    await expect(retry(failing(...errors), { ...passing, attempts: 1 })).rejects.toBe(errors[0]);
  });

  test.each([new ValidationError('bad'), new Error('unknown'), 'text', undefined])(
    'throws at once what is not retryable: %s',
    async (error) => {
      const work = vi.fn(async () => {
        throw error;
      });
      await expect(retry(work, passing)).rejects.toBe(error);
      expect(work).toHaveBeenCalledTimes(1);
    },
  );
});

describe('the waits between two calls', () => {
  afterEach(() => void vi.restoreAllMocks());

  test.each([0, 0.5, 0.999])('are a part (%d) of a bound that doubles up to its limit', async (part) => {
    vi.spyOn(Math, 'random').mockReturnValue(part);
    const calls: number[] = [];
    const work = async () => {
      calls.push(performance.now());
      throw new EncoderError('again');
    };
    await expect(retry(work, { attempts: 5, baseMs: 20, maxMs: 70 })).rejects.toThrow('again');
    const waits = calls.slice(1).map((at, index) => at - (calls[index] ?? 0));
    expect(waits).toHaveLength(4);
    for (const [index, bound] of [20, 40, 70, 70].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(bound * part - 2);
      expect(waits[index]).toBeLessThan(bound * part + 150);
    }
  });
});

describe('a signal', () => {
  test('that has fired lets nothing start', async () => {
    const work = failing();
    await expect(retry(work, { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AbortedError);
    expect(work).not.toHaveBeenCalled();
  });

  test('ends a wait', async () => {
    const controller = new AbortController();
    const work = failing(new EncoderError('killed'));
    const onRetry = () => void setTimeout(() => controller.abort(), 5);
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const since = Date.now();
    const waiting = retry(work, { baseMs: 60_000, maxMs: 60_000, signal: controller.signal, onRetry });
    await expect(waiting).rejects.toBeInstanceOf(AbortedError);
    expect(Date.now() - since).toBeLessThan(5_000);
    expect(work).toHaveBeenCalledTimes(1);
    vi.restoreAllMocks();
  });

  test('that fires during a call ends the attempts with its error', async () => {
    const controller = new AbortController();
    const error = new EncoderError('killed');
    const work = vi.fn(async () => {
      controller.abort();
      throw error;
    });
    await expect(retry(work, { ...passing, signal: controller.signal })).rejects.toBe(error);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
