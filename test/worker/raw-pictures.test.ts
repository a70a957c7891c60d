import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Picture } from '../../src/worker/picture.ts';
import { PICTURES_WASM } from '../../src/worker/pictures-wasm.ts';
import { RawPictures } from '../../src/worker/raw-pictures.ts';
import { compilePictures } from '../../wasm/compile.ts';

/** ITU-R BT.709-6, item 3, in floating point: limited range, chroma of the mean of 2 × 2 pixels. */
function reference(bgra: Uint8Array, width: number, height: number): number[] {
  const colour = (x: number, y: number) =>
    [0, 1, 2].map((channel) => bgra[(y * width + x) * 4 + channel] as number);
  const luma = ([b = 0, g = 0, r = 0]: number[]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const y: number[] = [];
  const u: number[] = [];
  const v: number[] = [];
  for (let row = 0; row < height; row++)
    for (let x = 0; x < width; x++) y.push(16 + (219 / 255) * luma(colour(x, row)));
  for (let row = 0; row < height; row += 2)
    for (let x = 0; x < width; x += 2) {
      const four = [colour(x, row), colour(x + 1, row), colour(x, row + 1), colour(x + 1, row + 1)];
      const mean = [0, 1, 2].map((c) => four.reduce((sum, pixel) => sum + (pixel[c] as number), 0) / 4);
      u.push(128 + ((224 / 255) * ((mean[0] as number) - luma(mean))) / 1.8556);
      v.push(128 + ((224 / 255) * ((mean[2] as number) - luma(mean))) / 1.5748);
    }
  return [...y, ...u, ...v];
}

const sides = fc.record({
  width: fc.integer({ min: 4, max: 40 }).map((half) => half * 2),
  height: fc.integer({ min: 1, max: 12 }).map((half) => half * 2),
  seed: fc.integer(),
});

/** Pixels that look random; white, black and pure colours are among them. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, (_, at) => {
    if (at % 4 === 3) return 255;
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + at;
    return at % 5 === 0 ? (state & 1) * 255 : (state >>> 8) & 255;
  });
}

/** @returns whether they are others than those read before */
function read(pictures: RawPictures, pixels: ArrayLike<number>): boolean {
  return pictures.read({ read: (into) => into.set(pixels) });
}

describe('4:2:0 of a picture', () => {
  test('is that of BT.709 but for a rounding, whatever the size', () => {
    fc.assert(
      fc.property(sides, ({ width, height, seed }) => {
        const pictures = new RawPictures({ width, height }, 'i420');
        const pixels = noise(width * height * 4, seed);
        read(pictures, pixels);
        const { bytes, format } = pictures.take(undefined);
        const wanted = reference(pixels, width, height);
        expect(format).toBe('i420');
        expect(bytes.length).toBe(wanted.length);
        for (const [at, value] of wanted.entries())
          expect(Math.abs((bytes[at] as number) - value), `byte ${at}`).toBeLessThan(0.51);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['white', [255, 255, 255, 255], [235, 128, 128]],
    ['black', [0, 0, 0, 255], [16, 128, 128]],
    ['grey', [127, 127, 127, 255], [125, 128, 128]],
    ['red', [0, 0, 255, 255], [63, 102, 240]],
    ['blue', [255, 0, 0, 255], [32, 240, 118]],
  ])('of plain %s', (_, pixel, [y, u, v]) => {
    const pictures = new RawPictures({ width: 10, height: 2 }, 'i420');
    read(pictures, Array.from({ length: 20 }, () => pixel).flat());
    const { bytes } = pictures.take(undefined);
    expect([...new Set(bytes.subarray(0, 20))]).toEqual([y]);
    expect([...new Set(bytes.subarray(20, 25))]).toEqual([u]);
    expect([...new Set(bytes.subarray(25, 30))]).toEqual([v]);
  });
});

describe('digests of pictures', () => {
  const size = { width: 34, height: 6 };

  test('tell any byte that is another one', () => {
    const pictures = new RawPictures(size, 'bgra');
    const length = size.width * size.height * 4;
    const plain = noise(length, 7);
    read(pictures, plain);
    const { digest } = pictures.take(undefined);
    fc.assert(
      fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Uint8Array.from(plain);
        other[at] = (other[at] as number) ^ change;
        read(pictures, other);
        expect(pictures.take(undefined).digest).not.toBe(digest);
        read(pictures, plain);
        expect(pictures.take(undefined).digest).toBe(digest);
      }),
    );
  });

  test('are those of the same picture in another place', () => {
    const digests = [1, 2].map(() => {
      const pictures = new RawPictures(size, 'i420');
      read(pictures, noise(size.width * size.height * 4, 11));
      return pictures.take(undefined).digest;
    });
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
  });
});

describe.each(['i420', 'bgra'] as const)('a %s picture', (format) => {
  const size = { width: 16, height: 4 };
  const open = () => {
    const pictures = new RawPictures(size, format);
    const shoot = (seed: number, last?: Picture) => {
      read(pictures, noise(size.width * size.height * 4, seed));
      return pictures.take(last);
    };
    return { pictures, shoot };
  };

  test('stays until the third one after it', () => {
    const { shoot } = open();
    const first = shoot(1);
    const kept = Buffer.from(first.bytes);
    expect(shoot(1, first)).toBe(first);
    const second = shoot(3, first);
    expect(second.digest).not.toBe(first.digest);
    expect(shoot(5, second).digest).not.toBe(second.digest);
    expect(first.bytes).toEqual(kept);
  });

  test('stays while it is looked at again, and the one after it', () => {
    const { pictures } = open();
    const pixels = (level: number) => new Uint8Array(size.width * size.height * 4).fill(level);
    read(pictures, pixels(100));
    const first = pictures.take(undefined);
    const kept = Buffer.from(first.bytes);
    read(pictures, pixels(101));
    expect(pictures.shows(first)).toBe(true);
    read(pictures, pixels(200));
    const second = pictures.take(first);
    read(pictures, pixels(201));
    expect(pictures.shows(second)).toBe(true);
    read(pictures, pixels(210));
    expect(pictures.shows(second)).toBe(false);
    expect(first.bytes).toEqual(kept);
  });

  test('is told from the one before as it is read', () => {
    const { pictures } = open();
    const pixels = noise(size.width * size.height * 4, 5);
    expect(read(pictures, pixels)).toBe(true);
    expect(read(pictures, pixels)).toBe(false);
    const other = Uint8Array.from(pixels);
    other[other.length - 1] = 254;
    expect(read(pictures, other)).toBe(true);
  });
});

test('the module is that of its text: run npm run wasm', async () => {
  expect(PICTURES_WASM).toBe(Buffer.from(await compilePictures()).toString('base64'));
});
