import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { probe } from './media-info.ts';
import { ffmpegPath, runTool } from './tools.ts';

/**
 * The barcode that the fixtures draw, in pixels of a picture 320 wide: 17 blocks in a row (a white one, a black
 * one, 14 bits of the frame number with the most significant first, the parity of the bits), and underneath the
 * same row inverted. A wider picture carries it in proportion.
 */
export const barcodeLayout = { pictureWidth: 320, x: 16, y: 16, block: 16, bits: 14 } as const;

/** The upper row of a frame number: 1 is white, 0 is black. */
export function barcodeRow(frame: number): number[] {
  const bits = Array.from(
    { length: barcodeLayout.bits },
    (_, i) => (frame >> (barcodeLayout.bits - 1 - i)) & 1,
  );
  return [1, 0, ...bits, bits.reduce((sum, bit) => sum ^ bit, 0)];
}

export interface DecodeOptions {
  /** FFmpeg's options for the input, such as `['-c:v', 'libvpx-vp9']`. */
  readonly inputArgs?: readonly string[];
}

/** The number that each frame of a video carries, in the order of showing; no frame is dropped or doubled. */
export async function decodeBarcodes(file: string, options: DecodeOptions = {}): Promise<number[]> {
  return decode(file, [...(options.inputArgs ?? []), '-i', file]);
}

/** The number in each PNG or JPEG file; all of one size and one kind. */
export async function decodeBarcodesOfImages(files: readonly string[]): Promise<number[]> {
  const [first] = files;
  if (first === undefined) return [];
  const kind = extname(first).toLowerCase();
  if (files.some((file) => extname(file).toLowerCase() !== kind))
    throw new Error('the images differ in kind');
  const codec = kind === '.png' ? 'png' : 'mjpeg';
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const file of files) yield await readFile(file);
  }
  const numbers = await decode(first, ['-f', 'image2pipe', '-c:v', codec, '-i', '-'], bytes());
  if (numbers.length !== files.length)
    throw new Error(`${files.length} images decoded to ${numbers.length} frames`);
  return numbers;
}

async function decode(
  file: string,
  inputArgs: readonly string[],
  input?: AsyncIterable<Uint8Array>,
): Promise<number[]> {
  const { width, height } = await pictureSize(file);
  const frameBytes = width * height;
  const numbers: number[] = [];
  const frame = Buffer.alloc(frameBytes);
  let filled = 0;
  const onOutput = (piece: Buffer): void => {
    for (let at = 0; at < piece.length; ) {
      const copied = piece.copy(frame, filled, at);
      at += copied;
      filled += copied;
      if (filled < frameBytes) return;
      filled = 0;
      numbers.push(readBarcode(frame, width, height, `${file}, frame ${numbers.length}`));
    }
  };
  const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error'];
  const gray = ['-map', '0:v:0', '-vsync', '0', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
  await runTool(ffmpegPath, [...quiet, ...inputArgs, ...gray], { onOutput, ...(input && { input }) });
  if (filled !== 0) throw new Error(`${file}: ${filled} bytes are left over after frame ${numbers.length}`);
  return numbers;
}

async function pictureSize(file: string): Promise<{ width: number; height: number }> {
  const { streams } = await probe(file);
  const video = streams.find((stream) => stream.codec_type === 'video');
  if (!video?.width || !video.height) throw new Error(`${file} has no picture`);
  return { width: video.width, height: video.height };
}

/** Reads the number in a gray picture of one byte a pixel; `name` says in errors which one it is. */
export function readBarcode(gray: Uint8Array, width: number, height: number, name = 'the picture'): number {
  const { pictureWidth, x, y, block, bits } = barcodeLayout;
  const scale = width / pictureWidth;
  if ((y + 2 * block) * scale > height)
    throw new Error(`${name}: ${width}×${height} is too low for a barcode`);

  const row = (index: number): number[] =>
    Array.from({ length: bits + 3 }, (_, i) =>
      mean(gray, width, (x + i * block) * scale, (y + index * block) * scale, block * scale),
    );
  const upper = row(0);
  const lower = row(1);
  const seen = `upper ${upper.map(Math.round).join(' ')}; lower ${lower.map(Math.round).join(' ')}`;
  const lights = upper.map((level, i) => {
    const light = toLight(level);
    if (light === undefined) throw new Error(`${name}: block ${i} is neither black nor white (${seen})`);
    if (toLight(lower[i] ?? -1) !== 1 - light)
      throw new Error(`${name}: block ${i} of the inverted row does not match (${seen})`);
    return light;
  });
  if (lights[0] !== 1 || lights[1] !== 0) throw new Error(`${name}: the markers are missing (${seen})`);
  const data = lights.slice(2, 2 + bits);
  if (data.reduce((sum, bit) => sum ^ bit, 0) !== lights[2 + bits])
    throw new Error(`${name}: the parity is wrong (${seen})`);
  return data.reduce((number, bit) => number * 2 + bit, 0);
}

/** 1 for white, 0 for black, nothing for what lies between. */
function toLight(level: number): number | undefined {
  if (level >= 165) return 1;
  return level <= 90 && level >= 0 ? 0 : undefined;
}

/** The mean level of the middle half of a block, 0 to 255. */
function mean(gray: Uint8Array, width: number, left: number, top: number, size: number): number {
  const from = { x: Math.round(left + size / 4), y: Math.round(top + size / 4) };
  const side = Math.max(1, Math.round(size / 2));
  let sum = 0;
  for (let y = from.y; y < from.y + side; y++)
    for (let x = from.x; x < from.x + side; x++) sum += gray[y * width + x] ?? 0;
  return sum / (side * side);
}
