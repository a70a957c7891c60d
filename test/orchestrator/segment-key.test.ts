import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentDigest, segmentKey } from '../../src/orchestrator/segment-key.ts';
import { resolvedCompositionSchema } from '../../src/types/composition.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import type { FrameRange } from '../../src/types/render-job.ts';
import { canonicalJson, sha256 } from '../../src/utils/digest.ts';

type Look = Parameters<typeof contentDigest>[0];

const bundle = { kind: 'bundle', digest: sha256('files'), entry: 'index.html' } as const;
const look: Look = {
  jobId: 'a',
  composition: resolvedCompositionSchema.parse({
    ref: bundle,
    kind: 'page',
    width: 320,
    height: 180,
    fps: 30,
    durationInFrames: 300,
    inputProps: { title: 'Ada', nested: { list: [1, 2] } },
  }),
  encoding: encodingSchema.parse({}),
  page: { seekMode: 'seek', capture: 'auto', onAssetError: 'fail', timeouts: { load: 1000, frame: 1000 } },
  workerVersion: '1+1.chromium-1.ffmpeg-1.fonts-1',
};
const { composition, encoding, page } = look;
const digest = contentDigest(look);

/** JSON values in which a key comes once, in any order. */
const json = fc.jsonValue({ maxDepth: 4 });

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

describe('canonical JSON', () => {
  test('is the same for equal values, in whatever order their keys are', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test('is another for other values: it gives the value back', () => {
    fc.assert(
      fc.property(json, (value) => {
        // JSON has one zero.
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the content of a segment', () => {
  test('is named by props: equal ones alike, others differently', () => {
    const named = (inputProps: Look['composition']['inputProps']): string =>
      contentDigest({ ...look, composition: { ...composition, inputProps } });
    const props = fc.dictionary(fc.string(), json) as fc.Arbitrary<Look['composition']['inputProps']>;
    fc.assert(
      fc.property(props, props, (one, other) => {
        expect(named(one)).toBe(named(shuffled(one) as typeof one));
        expect(named(one) === named(other)).toBe(canonicalJson(one) === canonicalJson(other));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each<[string, Partial<Look>]>([
    ['a prop', { composition: { ...composition, inputProps: { title: 'Eva', nested: { list: [1, 2] } } } }],
    [
      'a nested prop',
      { composition: { ...composition, inputProps: { title: 'Ada', nested: { list: [2, 1] } } } },
    ],
    ['a file', { composition: { ...composition, ref: { ...bundle, digest: sha256('other files') } } }],
    ['the page of a bundle', { composition: { ...composition, ref: { ...bundle, entry: 'other.html' } } }],
    ['the kind of page', { composition: { ...composition, kind: 'helios' } }],
    ['the width', { composition: { ...composition, width: 322 } }],
    ['the height', { composition: { ...composition, height: 182 } }],
    ['the frame rate', { composition: { ...composition, fps: '30000/1001' } }],
    ...(
      [
        { codec: 'h265' },
        { crf: 21 },
        { bitrate: '8M' },
        { preset: 'slow' },
        { pixelFormat: 'yuv444p' },
        { keyframeInterval: 10 },
        { scale: 0.5 },
        { everyNthFrame: 2 },
        { transparent: true },
        { jpegQuality: 80 },
      ] satisfies Partial<FrameJob['encoding']>[]
    ).map((change): [string, Partial<Look>] => [
      `encoding ${JSON.stringify(change)}`,
      { encoding: { ...encoding, ...change } },
    ]),
    ['the seek mode', { page: { ...page, seekMode: 'replay' } }],
    ['the capture mode', { page: { ...page, capture: 'screenshot' } }],
    ['what a missing file does', { page: { ...page, onAssetError: 'warn' } }],
    ['the browser', { workerVersion: '1+1.chromium-2.ffmpeg-1.fonts-1' }],
    ['FFmpeg', { workerVersion: '1+1.chromium-1.ffmpeg-2.fonts-1' }],
    ['the fonts', { workerVersion: '1+1.chromium-1.ffmpeg-1.fonts-2' }],
  ])('is another with %s', (_, change) => {
    expect(contentDigest({ ...look, ...change })).not.toBe(digest);
  });

  test.each<[string, Partial<Look>]>([
    ['another job', { jobId: 'b' }],
    ['another duration', { composition: { ...composition, durationInFrames: 360 } }],
    ['longer waits', { page: { ...page, timeouts: { load: 9000, frame: 9000 } } }],
    ['another sound', { encoding: { ...encoding, audioCodec: 'mp3', audioBitrate: '96k', muted: true } }],
  ])('is the same for %s', (_, change) => {
    expect(contentDigest({ ...look, ...change })).toBe(digest);
  });

  test('behind an address it is that of one job', () => {
    const remote = { ...composition, ref: { kind: 'url', url: 'https://example.com/' } } as const;
    const named = (jobId: string): string => contentDigest({ ...look, jobId, composition: remote });
    expect(named('a')).toBe(named('a'));
    expect(named('a')).not.toBe(named('b'));
  });

  test('of a run that trusts nothing it is that of the run', () => {
    expect(new Set([digest, contentDigest(look, 'x'), contentDigest(look, 'y')]).size).toBe(3);
    expect(contentDigest(look, 'x')).toBe(contentDigest(look, 'x'));
  });
});

test('segments of one content have a name for each range', () => {
  const bound = fc.integer({ min: 0, max: 10_368_000 });
  const range = fc.tuple(bound, bound) as fc.Arbitrary<FrameRange>;
  fc.assert(
    fc.property(range, range, (one, other) => {
      const same = one[0] === other[0] && one[1] === other[1];
      expect(segmentKey(digest, one) === segmentKey(digest, other)).toBe(same);
    }),
  );
});
