import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSeams } from '../../src/stitcher/check-seams.ts';
import { comparePictures, isRounding } from '../../src/stitcher/compare-pictures.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import type { FrameJob, FrameResult, KeptPicture } from '../../src/types/frame-job.ts';
import type { Plan } from '../../src/types/plan.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { SeamMismatchError, SegmentDamagedError } from '../../src/utils/errors.ts';
import { startFfmpeg } from '../../src/utils/ffmpeg.ts';

const SIZE = 100;

/** A grey PNG, some of whose pixels are lighter by so many levels. */
async function png(
  lighter: { readonly pixels: number; readonly levels: number },
  size = SIZE,
): Promise<Buffer> {
  const raw = Buffer.alloc(size * size * 4, 100);
  for (let pixel = 0; pixel < lighter.pixels; pixel++) raw[pixel * 4 + 1] = 100 + lighter.levels;
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', `${size}x${size}`, '-i', 'pipe:0'];
  const ffmpeg = startFfmpeg([...input, '-f', 'image2pipe', '-c:v', 'png', 'pipe:1']);
  const chunks: Buffer[] = [];
  ffmpeg.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  ffmpeg.stdin.end(raw);
  await ffmpeg.done;
  return Buffer.concat(chunks);
}

let folder: string;
let store: LocalStore;
let plain: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-seams-'));
  store = new LocalStore(folder);
  plain = await png({ pixels: 0, levels: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('comparePictures', () => {
  test('counts the pixels that differ, and the levels of the one that differs most', async () => {
    expect(await comparePictures(plain, plain)).toEqual({ levels: 0, pixels: 0 });
    const lighter = await png({ pixels: 7, levels: 30 });
    const difference = { levels: 30, pixels: 7 };
    expect(await comparePictures(plain, lighter)).toEqual(difference);
    expect(await comparePictures(lighter, plain)).toEqual(difference);
  });

  test('takes pictures of two sizes for wholly different', async () => {
    const smaller = await png({ pixels: 0, levels: 0 }, SIZE / 2);
    expect(await comparePictures(plain, smaller)).toEqual({
      levels: 255,
      pixels: SIZE * SIZE,
    });
  });
});

test('a rounding is a level anywhere, or two in few pixels', () => {
  const size = { width: SIZE, height: SIZE };
  expect(isRounding({ levels: 1, pixels: SIZE * SIZE }, size)).toBe(true);
  expect(isRounding({ levels: 2, pixels: 10 }, size)).toBe(true);
  expect(isRounding({ levels: 2, pixels: 11 }, size)).toBe(false);
  expect(isRounding({ levels: 3, pixels: 1 }, size)).toBe(false);
});

describe('checkSeams', () => {
  const digestOf = (picture: Buffer | string) => sha256(`raw ${sha256(picture)}`);
  let kept = 0;
  const keep = async (picture: Buffer): Promise<KeptPicture> => {
    const key = `segments/${kept++}.png`;
    await store.put(key, picture);
    return { key, sha256: sha256(picture), digest: digestOf(picture) };
  };
  /** Two segments, which meet at frame 8. */
  const meet = (
    ahead: KeptPicture | null,
    own: KeptPicture,
    onSeamMismatch: 'fail' | 'warn' = 'fail',
    more?: { before: Partial<FrameResult>; after: Partial<FrameResult> },
  ) =>
    checkSeams({
      plan: {
        frameJobs: [
          { index: 0, range: [3, 8] },
          { index: 1, range: [8, 12] },
        ] as unknown as FrameJob[],
        onSeamMismatch,
        composition: { width: SIZE, height: SIZE } as Plan['composition'],
        encoding: encodingSchema.parse({ codec: 'png' }),
      },
      results: [
        { index: 0, firstPicture: own, nextPicture: ahead, ...more?.before },
        { index: 1, firstPicture: own, nextPicture: null, ...more?.after },
      ] as unknown as FrameResult[],
      store,
    });

  test('matches by the digests alone', async () => {
    const lost = {
      key: 'segments/lost.png',
      sha256: sha256('a picture'),
      digest: digestOf('a picture'),
    };
    expect(await meet(lost, lost)).toMatchObject({ checked: 1, matched: 1, rounded: 0, mismatched: 0 });
  });

  test('matches by what is kept where the pictures were taken in two ways', async () => {
    const own = await keep(plain);
    const ahead = { ...own, digest: digestOf('raw') };
    const ways = { before: { captureMode: 'framebuffer' }, after: { captureMode: 'begin-frame' } } as const;
    expect(await meet(ahead, own, 'fail', ways)).toMatchObject({ checked: 1, matched: 1 });
    expect(await meet(ahead, own)).toMatchObject({ checked: 1, matched: 0, rounded: 1 });
  });

  test('tells a rounding apart, with both pictures', async () => {
    const [ahead, own] = [await keep(plain), await keep(await png({ pixels: 9, levels: 1 }))];
    const seams = await meet(ahead, own);
    expect(seams).toMatchObject({ checked: 1, matched: 0, rounded: 1, mismatched: 0, mismatches: [] });
    expect(seams.roundings).toEqual([
      {
        frame: 8,
        segments: [0, 1],
        digests: [ahead.digest, own.digest],
        pictures: [ahead.key, own.key],
        levels: 1,
        pixels: 9,
      },
    ]);
  });

  test('throws at a mismatch, or tells of it', async () => {
    const [ahead, own] = [await keep(plain), await keep(await png({ pixels: 9, levels: 90 }))];
    const seam = {
      frame: 8,
      segments: [0, 1],
      digests: [ahead.digest, own.digest],
      pictures: [ahead.key, own.key],
      levels: 90,
      pixels: 9,
    };
    const failure = await meet(ahead, own).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SeamMismatchError);
    expect(failure).toMatchObject({ details: seam, retryable: false });
    expect(await meet(ahead, own, 'warn')).toMatchObject({ checked: 1, mismatched: 1, mismatches: [seam] });
  });

  test('a picture that is lost or damaged has its segment rendered again', async () => {
    const own = await keep(plain);
    const lost = {
      key: 'segments/lost.png',
      sha256: sha256('a picture'),
      digest: digestOf('a picture'),
    };
    const damaged = { ...(await keep(plain)), sha256: sha256('another'), digest: digestOf('another') };
    const ends = async (ahead: KeptPicture, after: KeptPicture) => {
      for (const name of ['before', 'after']) await store.put(keys.segmentRecord(name), 'a record');
      const keyed = { before: { segmentKey: 'before' }, after: { segmentKey: 'after' } };
      const failure = await meet(ahead, after, 'warn', keyed).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SegmentDamagedError);
      const sizes = ['before', 'after'].map(
        async (name) => (await store.head(keys.segmentRecord(name)))?.size,
      );
      return [(failure as SegmentDamagedError).details.segments, await Promise.all(sizes)];
    };
    expect(await ends(lost, own)).toEqual([[0], [0, 8]]);
    expect(await ends(damaged, own)).toEqual([[0], [0, 8]]);
    expect(await ends(own, lost)).toEqual([[1], [8, 0]]);
  });

  test('compares the last frame where the second segment looked back', async () => {
    const own = await keep(plain);
    const last = await keep(await png({ pixels: 9, levels: 90 }));
    const same = { before: { lastPicture: last }, after: { previousPicture: last } };
    expect(await meet(null, own, 'fail', same)).toMatchObject({ checked: 1, matched: 1, unproved: 0 });
    const other = { ...same, after: { previousPicture: own } };
    expect((await meet(null, own, 'warn', other)).mismatches).toMatchObject([
      { frame: 7, segments: [0, 1], pictures: [last.key, own.key], levels: 90 },
    ]);
  });

  test('proves nothing where nobody looked ahead', async () => {
    expect(await meet(null, await keep(plain))).toMatchObject({ checked: 0, unproved: 1 });
  });
});
