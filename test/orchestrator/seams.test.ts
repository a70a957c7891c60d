import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyRender } from '../../src/orchestrator/verify.ts';
import { readPicture } from '../../src/stitcher/compare-pictures.ts';
import { keys } from '../../src/storage/keys.ts';
import { putJson, readJson } from '../../src/storage/object-store.ts';
import type { SegmentRecord } from '../../src/types/frame-job.ts';
import { type Seam, seamsSchema } from '../../src/types/seams.ts';
import { SeamMismatchError, VerificationError } from '../../src/utils/errors.ts';
import { example, fixture, type JobSketch, type Rendered, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open();
});
afterAll(() => renderer[Symbol.asyncDispose]());

/** A page that counts its own steps: seeked to, a frame depends on where its segment began. */
const counting: JobSketch = {
  composition: { source: fixture('barcode-state') },
  frameRange: [0, 12],
  page: { seekMode: 'seek' },
  chunking: { segments: 3 },
};

function spoil(records: readonly SegmentRecord[], index: number, places: readonly number[]): Promise<void> {
  const record = records[index] as SegmentRecord;
  const frameDigests = record.frameDigests.map((digest, at) =>
    places.includes(at) ? 'a'.repeat(64) : digest,
  );
  return putJson(renderer.store, keys.segmentRecord(record.segmentKey), { ...record, frameDigests });
}

describe('a page that is drawn otherwise by another segment', () => {
  test('fails with the frame, both segments, both digests, and both pictures in the store', async () => {
    const failure = await renderer.render(counting).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(SeamMismatchError);
    const { details, message } = failure as SeamMismatchError & { details: Seam };
    expect(details).toMatchObject({ frame: 4, segments: [0, 1], levels: 255 });
    const [ahead, own] = details.digests;
    expect(ahead).not.toBe(own);
    for (const [side, key] of details.pictures.entries()) {
      const picture = await readPicture(renderer.store, { key, sha256: details.digests[side] as string });
      expect(picture?.subarray(0, 2).toString('hex')).toBe('ffd8');
    }
    for (const word of ['Frame 4', 'segment 0', 'segment 1', ahead, own, ...details.pictures])
      expect(message).toContain(word);
    expect(await readJson(renderer.store, keys.error('job-1'))).toMatchObject({
      name: 'SeamMismatchError',
      details: { frame: 4 },
    });
  });

  test('completes when the job says so, and the result tells of it', async () => {
    const { result } = await renderer.render({ ...counting, onSeamMismatch: 'warn' });

    expect(result.segments.cached).toBe(3);
    expect(result.seams).toMatchObject({ checked: 2, matched: 0, mismatched: 2, unproved: 0 });
    expect(result.seams.mismatches.map(({ frame, segments }) => [frame, segments])).toEqual([
      [4, [0, 1]],
      [8, [1, 2]],
    ]);
    expect(result.warnings.join()).toContain('Frame 4 looks otherwise');
    expect(await readJson(renderer.store, keys.result(result.id))).toMatchObject({ seams: result.seams });
  });

  test('is proved when it is stepped through', async () => {
    const { result } = await renderer.render({ ...counting, page: { seekMode: 'replay' } });
    expect(result.seams).toMatchObject({ checked: 2, matched: 2 });
  });
});

describe('seams of a good page', () => {
  const good: readonly (readonly [string, JobSketch])[] = [
    ['shapes', { composition: { source: fixture('barcode-css') }, frameRange: [0, 20] }],
    ['a film', { composition: { source: fixture('barcode-video-ntsc') }, frameRange: [10, 30] }],
    [
      'each third frame, as pictures',
      {
        composition: { source: fixture('barcode-raf') },
        frameRange: [2, 47],
        encoding: { codec: 'png', everyNthFrame: 3 },
        extension: '',
      },
    ],
    [
      'a GIF of pictures that mostly stay',
      {
        composition: { source: fixture('barcode-held') },
        frameRange: [0, 20],
        encoding: { codec: 'gif' },
        extension: 'gif',
      },
    ],
    [
      // What Chromium drew before decides the last bit of these layers.
      'layers that turn, each third frame',
      {
        composition: { source: path.resolve('bench/compositions/dom') },
        frameRange: [9, 39],
        encoding: { everyNthFrame: 3, scale: 0.5 },
      },
    ],
    [
      'an example in half its size',
      {
        composition: { source: example('helios-captions') },
        frameRange: [40, 50],
        encoding: { scale: 0.5, muted: true },
      },
    ],
  ];

  test.each(good)('all match: %s', async (_, job) => {
    const { result, records, plan } = await renderer.render({ ...job, chunking: { segments: 5 } });

    expect(result.seams).toEqual(
      seamsSchema.parse({
        checked: 4,
        matched: 4,
        rounded: 0,
        mismatched: 0,
        unproved: 0,
        roundings: [],
        mismatches: [],
      }),
    );
    for (const [index, record] of records.entries()) {
      expect(record.firstPicture.sha256).toBe(record.frameDigests[0]);
      expect(record.nextPicture?.sha256).toBe(records[index + 1]?.frameDigests[0]);
      expect(record.frames).toBe(record.frameDigests.length);
    }
    expect(plan.frameJobs.map(({ lookAhead }) => lookAhead)).toEqual([true, true, true, true, false]);
  });

  test('are unproved where a segment was the last of its video when it was rendered', async () => {
    const composition = { source: fixture('barcode-gsap') };
    await renderer.render({ composition, frameRange: [0, 8], chunking: { segments: 2 } });
    const longer = await renderer.render({ composition, frameRange: [0, 16], chunking: { segments: 4 } });
    expect(longer.result.segments.cached).toBe(2);
    expect(longer.result.seams).toMatchObject({ checked: 2, matched: 2, unproved: 1 });
  });
});

describe('verify', () => {
  let rendered: Rendered;
  beforeAll(async () => {
    rendered = await renderer.render({
      composition: { source: fixture('barcode-waapi') },
      frameRange: [5, 45],
      encoding: { everyNthFrame: 2 },
      chunking: { segments: 4 },
    });
  });

  test('finds the frames of a good render as they were, seams among them', async () => {
    const { frames, matched, rounded } = await verifyRender(rendered.result.id, {
      store: renderer.store,
      frames: 8,
    });
    expect(frames).toHaveLength(8);
    expect(matched + rounded).toBe(8);
    expect(frames).toEqual(expect.arrayContaining([15, 25, 35]));
  });

  test('names the frames whose record is another', async () => {
    await spoil(rendered.records, 1, [0, 2]);
    const failure = await verifyRender(rendered.result.id, { store: renderer.store, frames: 20 }).catch(
      (error: unknown) => error,
    );
    await putJson(
      renderer.store,
      keys.segmentRecord(rendered.records[1]?.segmentKey as string),
      rendered.records[1],
    );
    expect(failure).toBeInstanceOf(VerificationError);
    const { details } = failure as VerificationError;
    expect(details).toMatchObject({ id: rendered.result.id, checked: 20 });
    expect(details.frames).toMatchObject([
      { frame: 15, segment: 1, digests: ['a'.repeat(64), rendered.records[1]?.frameDigests[0]] },
      { frame: 19, segment: 1, digests: ['a'.repeat(64), rendered.records[1]?.frameDigests[2]] },
    ]);
  });

  test('sees a page whose frames depend on the way to them', async () => {
    const { result } = await renderer.render({ ...counting, onSeamMismatch: 'warn' });
    const failure = await verifyRender(result.id, { store: renderer.store, frames: 6 }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(VerificationError);
    expect((failure as VerificationError).details.frames).toContainEqual(
      expect.objectContaining({ frame: 8, levels: 255 }),
    );
  });
});
