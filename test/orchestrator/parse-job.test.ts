import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJob } from '../../src/orchestrator/job-orchestrator.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { HeliosError } from '../../src/utils/errors.ts';

const whole = {
  id: 'job',
  composition: {
    source: './intro',
    width: 320,
    height: 180,
    fps: 30,
    durationInFrames: 90,
    inputProps: { a: 1 },
  },
  frameRange: [0, 90],
  outputPath: 'out.mp4',
  encoding: { codec: 'h264', crf: 20, scale: 1, everyNthFrame: 1, muted: false },
  chunking: { targetSegmentSeconds: 20, maxParallel: 4, segments: 2 },
  page: { onAssetError: 'fail', seekMode: 'auto', capture: 'auto', timeouts: { load: 1000, frame: 1000 } },
  cache: true,
};

/** Paths to all values in an object, the object's own `[]` included. */
function pathsIn(value: unknown, at: readonly string[] = []): string[][] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [[...at], ...inner.flatMap(([key, child]) => pathsIn(child, [...at, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** @returns whether the job was taken; anything thrown that is none of our errors fails the test */
function isTaken(input: unknown): boolean {
  try {
    parseJob(input as RenderJobInput);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(HeliosError);
    expect((error as HeliosError).message.length).toBeGreaterThan(10);
    return false;
  }
}

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
  fc.constantFrom<unknown>(undefined, Number.NaN, -0, 2 ** 53, '', '__proto__', [], {}, [0, 1], '1e999'),
);

test('whatever it is given, a job is taken or refused by an error of ours', () => {
  expect(isTaken(whole)).toBe(true);
  fc.assert(
    fc.property(anything, (input) => {
      isTaken(input);
    }),
    { numRuns: 1_000 },
  );
});

test('a job with anything in any one place is taken or refused by an error of ours', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.constantFrom(...pathsIn(whole)), anything, (path, value) => {
      if (isTaken(replaced(whole, path, value))) taken++;
      else refused++;
    }),
    { numRuns: 3_000 },
  );
  expect(taken).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(taken);
});

test('a job with a field that it does not have is refused, wherever it is', () => {
  const holders = pathsIn(whole).filter((path) => !path.includes('inputProps') && path[0] !== 'frameRange');
  const objects = holders.filter((path) => {
    const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], whole);
    return typeof found === 'object';
  });
  expect(objects.length).toBeGreaterThan(4);
  for (const path of objects) expect(isTaken(replaced(whole, [...path, 'unknownField'], 1))).toBe(false);
});
