import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyRender } from '../../src/orchestrator/verify.ts';
import { keys } from '../../src/storage/keys.ts';
import { readBytes, readJson } from '../../src/storage/object-store.ts';
import { writeSegmentRecord } from '../../src/storage/segment-record.ts';
import type { SegmentRecord } from '../../src/types/frame-job.ts';
import { type Seam, seamsSchema } from '../../src/types/seams.ts';
import { SeamMismatchError, VerificationError } from '../../src/utils/errors.ts';
import { digests, example, fixture, type JobSketch, type Rendered, Renderer } from '../helpers/renderer.ts';

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
  return writeSegmentRecord(renderer.store, { ...record, frameDigests });
}

describe('a page that is drawn otherwise by another segment', () => {
  test('fails with the frame, both segments, both digests, and both pictures in the store', async () => {
    const failure = await renderer.render(counting).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(SeamMismatchError);
    const { details, message } = failure as SeamMismatchError & { details: Seam };
    expect(details).toMatchObject({ frame: 4, segments: [0, 1], levels: 255 });
    const [ahead, own] = details.digests;
    expect(ahead).not.toBe(own);
    const files = await Promise.all(details.pictures.map((key) => readBytes(renderer.store, key)));
    for (const file of files) expect(file.subarray(1, 4).toString()).toBe('PNG');
    expect(files[0]).not.toEqual(files[1]);
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
      expect(record.firstPicture.digest).toBe(record.frameDigests[0]);
      if (index > 0) expect(records[index - 1]?.nextPicture?.digest).toBe(record.frameDigests[0]);
      expect(record.frames).toBe(record.frameDigests.length);
    }
    expect(plan.frameJobs.slice(0, -1).map(({ lookAhead }) => lookAhead)).toEqual(Array(4).fill('needed'));
  });
});

describe('every seam of a render from pieces of others is proved', () => {
  const composition = { source: fixture('barcode-gsap') };
  const proved = (seams: number) => ({ checked: seams, matched: seams, mismatched: 0, unproved: 0 });

  test('after a part: its last segment looked ahead', async () => {
    const part = await renderer.render({ composition, frameRange: [0, 8], chunking: { segments: 2 } });
    expect(part.plan.frameJobs.map(({ lookAhead }) => lookAhead)).toEqual(['needed', 'tried']);
    const longer = await renderer.render({ composition, frameRange: [0, 16], chunking: { segments: 4 } });
    expect(longer.result.segments).toMatchObject({ cached: 2, rendered: 2 });
    expect(longer.result.seams).toMatchObject(proved(3));
  });

  test.each([
    ['each frame', 1],
    ['each third frame', 3],
  ])('after a shorter video: the first new segment looks back, %s', async (_, everyNthFrame) => {
    const render = (frames: number, segments: number, cache = true) =>
      renderer.render({
        composition: {
          ...composition,
          durationInFrames: frames * everyNthFrame,
          inputProps: { looks: 'back' },
        },
        encoding: { everyNthFrame },
        chunking: { segments },
        cache,
      });
    const shorter = await render(8, 2);
    const last = shorter.records[1]?.frameDigests.at(-1);
    expect(shorter.records[1]).toMatchObject({ nextPicture: null, lastPicture: { digest: last } });

    const longer = await render(16, 4);
    expect(longer.result.segments).toMatchObject({ cached: 2, rendered: 2 });
    expect(longer.plan.frameJobs.map(({ lookBack }) => lookBack)).toEqual([false, false, true, false]);
    expect(longer.records[2]?.previousPicture?.digest).toBe(last);
    expect(longer.result.seams).toMatchObject(proved(3));

    const again = await render(16, 4);
    expect(again.result.segments).toMatchObject({ cached: 4, rendered: 0 });
    expect(again.result.seams).toMatchObject(proved(3));
    expect(digests(longer)).toEqual(digests(await render(16, 1, false)));
  });

  test('after a shorter video and the rest of the longer one: what meets it is rendered again', async () => {
    const pieces = { ...composition, inputProps: { in: 'pieces' } };
    await renderer.render({ composition: { ...pieces, durationInFrames: 8 }, chunking: { segments: 2 } });
    const longer = { ...pieces, durationInFrames: 16 };
    await renderer.render({ composition: longer, frameRange: [8, 16], chunking: { segments: 2 } });
    const whole = await renderer.render({ composition: longer, chunking: { segments: 4 } });
    expect(whole.plan.segmentsFound).toBe(3);
    expect(whole.result.segments).toMatchObject({ cached: 3, rendered: 1 });
    expect(whole.result.seams).toMatchObject(proved(3));
  });

  test('but not of a page that goes another way', async () => {
    const render = (durationInFrames: number, segments: number) =>
      renderer.render({
        ...counting,
        composition: { ...counting.composition, durationInFrames, inputProps: { goes: 'another way' } },
        frameRange: [0, durationInFrames],
        chunking: { segments },
      });
    await render(4, 1);
    const failure = await render(8, 2).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SeamMismatchError);
    const { details, message } = failure as SeamMismatchError & { details: Seam };
    expect(details).toMatchObject({ frame: 3, segments: [0, 1], levels: 255 });
    expect(details.pictures).toEqual([
      expect.stringMatching(/\.last\.[0-9a-f]{16}\.png$/),
      expect.stringMatching(/\.previous\.[0-9a-f]{16}\.png$/),
    ]);
    expect(message).toContain('Frame 3');
  });

  test('what is wrong behind the last frame of a part does not matter to the part', async () => {
    const source = path.join(renderer.folder, 'broken-behind');
    await cp(fixture('barcode-raf'), source, { recursive: true });
    const page = path.join(source, 'index.html');
    const broken = `<script>
      requestAnimationFrame(function look() {
        if (performance.now() > 320) throw new Error('too far');
        requestAnimationFrame(look);
      });
    </script>`;
    await writeFile(page, `${await readFile(page, 'utf8')}${broken}`);
    const job = {
      composition: { source, durationInFrames: 20 },
      page: { seekMode: 'seek' as const },
      chunking: { segments: 1 },
    };
    const { records, plan } = await renderer.render({ ...job, frameRange: [0, 10] });
    expect(plan.frameJobs[0]?.lookAhead).toBe('tried');
    expect(records[0]).toMatchObject({ nextPicture: null, lastPicture: expect.anything(), warnings: [] });
    await expect(renderer.render({ ...job, frameRange: [0, 12] })).rejects.toThrow('too far');
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
    await writeSegmentRecord(renderer.store, rendered.records[1] as SegmentRecord);
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
      expect.objectContaining({ frame: 8, difference: expect.objectContaining({ levels: 255 }) }),
    );
  });
});
