import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBundle } from '../../src/storage/bundle.ts';
import type { ResolvedComposition } from '../../src/types/composition.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import { pageOptionsSchema } from '../../src/types/render-job.ts';
import { keptScreenshot } from '../../src/types/screenshot.ts';
import { runFfmpeg } from '../../src/utils/ffmpeg.ts';
import { ScreenshotCapture } from '../../src/worker/capture.ts';
import { openCapture } from '../../src/worker/open-capture.ts';
import { PageSession } from '../../src/worker/page-session.ts';
import { ProcessMemory } from '../../src/worker/process-memory.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open(1);
});
afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
});
afterEach(() => vi.restoreAllMocks());

async function withPage<T>(
  name: string,
  size: { width: number; height: number },
  scale: number,
  work: (session: PageSession, composition: ResolvedComposition) => Promise<T>,
): Promise<T> {
  const { digest, entry } = await createBundle(renderer.store, path.resolve(fixture(''), name));
  const ref = { kind: 'bundle', digest, entry } as const;
  const composition: ResolvedComposition = {
    ...{ ref, kind: 'page', fps: 30, durationInFrames: 60, inputProps: {} },
    ...size,
  };
  return await renderer.worker.withBrowser(
    { ref },
    { mode: 'begin-frame', scale },
    undefined,
    async (browser) => {
      const page = pageOptionsSchema.parse({});
      const options = { composition, page, scale, transparent: false, framebuffer: true };
      await using session = await PageSession.open(browser, options);
      return await work(session, composition);
    },
  );
}

/** Both views of a frame, 4 bytes a pixel. */
async function bothViews(session: PageSession, frame: number, pixels: number): Promise<[Buffer, Buffer]> {
  await session.step(frame);
  await session.ticker.tick();
  const read = Buffer.alloc(pixels * 4);
  session.framebuffer?.read(read);
  const png = Buffer.from((await session.ticker.shoot(keptScreenshot)) ?? '', 'base64');
  const toBgra = ['-f', 'image2pipe', '-c:v', 'png', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'bgra'];
  return [read, await runFfmpeg([...toBgra, 'pipe:1'], { input: png })];
}

describe('what is read from the browser’s memory is the PNG screenshot, bit by bit', () => {
  test.each([
    ['barcode-css', { width: 1920, height: 1080 }, 1],
    ['barcode-raf', { width: 1280, height: 720 }, 1],
    ['barcode-webgl', { width: 640, height: 360 }, 1],
    ['barcode-helios-canvas', { width: 1080, height: 1920 }, 0.5],
    ['barcode-iframe', { width: 320, height: 180 }, 1],
    ['barcode-waapi', { width: 330, height: 182 }, 2],
    ['../../bench/compositions/dom', { width: 1920, height: 1080 }, 1],
    ['../../bench/compositions/canvas', { width: 1920, height: 1080 }, 1],
    ['../../bench/compositions/webgl', { width: 1920, height: 1080 }, 1],
    ['static-slides', { width: 1920, height: 1080 }, 1],
  ])('%s at %o × %s', async (name, size, scale) => {
    await withPage(name, size, scale, async (session) => {
      expect(session.framebuffer, 'found').toBeDefined();
      await session.ticker.shoot({ format: 'png' });
      session.ticker.startTimeline();
      for (const frame of [1, 2, 17, 40]) {
        const [read, shot] = await bothViews(session, frame, size.width * scale * size.height * scale);
        expect(read.equals(shot), `frame ${frame}`).toBe(true);
      }
    });
  });
});

test.each([
  ['shows more than one colour', '<div style="width:50px;height:50px;background:red"></div>', 0],
  ['is of one colour, as a browser without a page', '<body style="background:#246">', 1],
  ['gave way to another', '<p>Loading</p><script>location.replace("next.html")</script>', 1],
])('a document that %s: screenshots before the first frame', async (_, html, screenshots) => {
  const source = await mkdtemp(path.join(renderer.folder, 'proof-'));
  await writeFile(path.join(source, 'index.html'), `<!doctype html>${html}`);
  await writeFile(path.join(source, 'next.html'), '<!doctype html><p>Next</p>');
  const preRoll = vi.spyOn(ScreenshotCapture.prototype, 'preRoll');
  await withPage(source, { width: 320, height: 180 }, 1, async (session, composition) => {
    const capture = openCapture(session, { composition, encoding: encodingSchema.parse({}) }, 10_000);
    await capture.preRoll();
    await capture.expose();
    expect(capture.develop()?.format).toBe('i420');
  });
  expect(preRoll).toHaveBeenCalledTimes(screenshots);
});

const job = { composition: { source: fixture('barcode-css') }, frameRange: [20, 40] as [number, number] };
const counted = Array.from({ length: 20 }, (_, at) => 20 + at);

test('a render reads it by itself, and says so', async () => {
  const { file, records, result } = await renderer.render({ ...job, chunking: { segments: 2 } });
  expect(result.capture).toEqual({ framebuffer: 2 });
  expect(records.map(({ captureMode }) => captureMode)).toEqual(['framebuffer', 'framebuffer']);
  expect(await decodeBarcodes(file)).toEqual(counted);
});

test('where the memory may not be read, JPEG pictures take its place', async () => {
  vi.spyOn(ProcessMemory, 'open').mockReturnValue(undefined);
  const { file, records } = await renderer.render({ ...job, cache: false });
  expect(records.map(({ captureMode }) => captureMode)).toEqual(['begin-frame']);
  expect(await decodeBarcodes(file)).toEqual(counted);
});

test('memory that goes away during a render is a stall: another way is taken', async () => {
  const again: JobSketch = {
    ...job,
    composition: { ...job.composition, inputProps: { memory: 'goes' } },
    chunking: { segments: 1 },
  };
  // It is planned now; what is read from here on is for the segment.
  for (const { segmentKey } of (await renderer.render(again)).records)
    await rm(path.dirname(renderer.store.localPath(`segments/${segmentKey}`)), { recursive: true });
  let pictures = 0;
  const { read } = ProcessMemory.prototype;
  vi.spyOn(ProcessMemory.prototype, 'read').mockImplementation(function (this: ProcessMemory, into, at) {
    const isPicture = into.length === 320 * 180 * 4;
    if (isPicture) pictures++;
    return !(isPicture && pictures > 3) && read.call(this, into, at);
  });
  const { file, records, result } = await renderer.render(again);
  expect(result).toMatchObject({ width: 320, height: 180 });
  // The same way is tried once more.
  expect(pictures).toBe(5);
  expect(records.map(({ captureMode }) => captureMode)).toEqual(['begin-frame']);
  expect(await decodeBarcodes(file)).toEqual(counted);
});

test.each([
  [{}, 'can not be read'],
  [{ codec: 'png' as const }, 'png pictures are taken as PNG or JPEG'],
])('asked for by name and not there, it is an error: %o', async (encoding, reason) => {
  vi.spyOn(ProcessMemory, 'open').mockReturnValue(undefined);
  const asked = { ...job, encoding, page: { capture: 'framebuffer' as const }, cache: false };
  const extension = encodingSchema.parse(encoding).codec === 'png' ? '' : 'mp4';
  await expect(renderer.render({ ...asked, extension })).rejects.toMatchObject({
    name: 'CaptureUnavailableError',
    message: expect.stringContaining(reason),
  });
});

test('memory that is not there can not be read', () => {
  const memory = ProcessMemory.open(process.pid) as ProcessMemory;
  expect(memory.regions().length).toBeGreaterThan(3);
  expect(memory.read(Buffer.alloc(16), 0)).toBe(false);
  memory[Symbol.dispose]();
  expect(ProcessMemory.open(2 ** 22 + 1)).toBeUndefined();
});
