import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import puppeteer from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capturePaths, type PageOptions } from '../../src/types/render-job.ts';
import { openKit } from '../../src/worker/kit.ts';
import { decodeBarcodes, decodeBarcodesOfImages } from '../helpers/barcode.ts';
import { decodeAudio, findOnsets } from '../helpers/decode-audio.ts';
import { type PacketTimes, packetTimes, probe, type StreamInfo } from '../helpers/media-info.ts';
import { example, fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open();
});
afterAll(() => renderer[Symbol.asyncDispose]());

const count = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

async function videoStream(file: string): Promise<StreamInfo> {
  const stream = (await probe(file)).streams.find(({ codec_type }) => codec_type === 'video');
  if (!stream) throw new Error(`${file} has no video`);
  return stream;
}

/** Names and places of a file's outermost boxes (ISO 14496-12, 4.2). */
async function boxes(file: string): Promise<{ type: string; offset: number }[]> {
  const { size } = await stat(file);
  await using handle = await open(file);
  const found: { type: string; offset: number }[] = [];
  for (let offset = 0; offset < size; ) {
    const head = Buffer.alloc(16);
    await handle.read(head, 0, 16, offset);
    found.push({ type: head.toString('latin1', 4, 8), offset });
    const short = head.readUInt32BE(0);
    offset += short === 1 ? Number(head.readBigUInt64BE(8)) : short === 0 ? size : short;
  }
  return found;
}

/** How many ticks lie between each packet and the next, without doubles. */
function steps({ packets }: PacketTimes): number[] {
  const between = packets.slice(1).map(({ pts }, index) => pts - (packets[index]?.pts ?? 0));
  return [...new Set(between)];
}

describe.each<[number | string, string, PageOptions['capture']]>([
  [30, '30/1', 'auto'],
  ['30000/1001', '30000/1001', 'auto'],
  [25, '25/1', 'auto'],
  [60, '60/1', 'auto'],
  ['24000/1001', '24000/1001', 'auto'],
  [12.5, '25/2', 'auto'],
  ['30000/1001', '30000/1001', 'begin-frame'],
  ['24000/1001', '24000/1001', 'screenshot'],
])('an MP4 of %s frames a second (%s), captured by %s', (fps, rate, capture) => {
  const FRAMES = 50;
  const [num, den] = rate.split('/').map(Number) as [number, number];
  const job: JobSketch = {
    composition: { source: fixture('beeps'), fps, durationInFrames: FRAMES },
    chunking: { segments: 3 },
    page: { capture },
  };

  test('says its rate and its length exactly, and steps evenly', async () => {
    const { file, result } = await renderer.render(job);
    const stream = await videoStream(file);
    expect(stream).toMatchObject({
      codec_name: 'h264',
      codec_tag_string: 'avc1',
      r_frame_rate: rate,
      avg_frame_rate: rate,
      start_pts: 0,
      nb_frames: String(FRAMES),
    });
    const times = await packetTimes(file);
    const ticks = (den * times.timeBase.den) / (num * times.timeBase.num);
    expect(Number.isInteger(ticks)).toBe(true);
    expect(steps(times)).toEqual([ticks]);
    expect(times.packets.map(({ duration }) => duration)).toEqual(times.packets.map(() => ticks));
    expect(times.packets[0]?.pts).toBe(0);
    expect(stream.duration_ts).toBe(FRAMES * ticks);
    expect(result.durationSeconds).toBe((FRAMES * den) / num);
    expect(Number(stream.duration)).toBeCloseTo((FRAMES * den) / num, 5);
  });

  test('starts each segment on a key frame that needs nothing before it', async () => {
    const { file, plan, records } = await renderer.render(job);
    const { packets } = await packetTimes(file);
    for (const { range, index } of plan.frameJobs) {
      expect(packets[range[0]]?.key, `frame ${range[0]}`).toBe(true);
      const segment = renderer.store.localPath(records[index]?.videoKey ?? '');
      const inFile = (await packetTimes(segment)).packets;
      expect(inFile).toHaveLength(range[1] - range[0]);
      expect(inFile[0]?.key).toBe(true);
    }
  });
});

test.each(capturePaths)('all clocks of a page show the time of each frame that %s takes', async (capture) => {
  const { file, result } = await renderer.render({
    composition: { source: fixture('barcode-clocks'), fps: '30000/1001', durationInFrames: 80 },
    frameRange: [53, 68],
    chunking: { segments: 3 },
    page: { capture },
  });
  expect(result).toMatchObject({ seekMode: 'seek', capture: { [capture]: 3 } });
  expect(await decodeBarcodes(file)).toEqual(count(53, 68).map((frame) => Math.round((frame * 1001) / 30)));
});

describe('an MP4', () => {
  test('has the pixels and tags that players count on', async () => {
    const { file } = await renderer.render({ composition: { source: fixture('beeps') } });
    expect(await videoStream(file)).toMatchObject({
      pix_fmt: 'yuv420p',
      color_range: 'tv',
      color_space: 'bt709',
      color_primaries: 'bt709',
      color_transfer: 'bt709',
    });
  });

  test('can be played before it is there as a whole', async () => {
    const { file } = await renderer.render({ composition: { source: fixture('beeps') } });
    const order = (await boxes(file)).map(({ type }) => type);
    expect(order[0]).toBe('ftyp');
    expect(order.indexOf('moov')).toBeGreaterThan(0);
    expect(order.indexOf('moov')).toBeLessThan(order.indexOf('mdat'));
  });

  test.each([
    ['the background', 'crop=8:8:150:150', [0x22, 0x44, 0x66]],
    ['the ball', 'crop=8:8:20:116', [0xff, 0xaa, 0x00]],
    ['the barcode', 'crop=8:8:20:20', [0xff, 0xff, 0xff]],
  ])('shows the colours of the page: %s', async (_, crop, wanted) => {
    const composition = { source: fixture('barcode-css') };
    const { file } = await renderer.render({ composition, frameRange: [0, 3] });
    const filters = `${crop},scale=1:1:flags=area:in_color_matrix=bt709:in_range=tv,format=rgb24`;
    const rgb = await runTool(ffmpegPath, [
      ...['-loglevel', 'error', '-i', file, '-vframes', '1', '-vf', filters, '-f', 'rawvideo', '-'],
    ]);
    for (const [index, level] of wanted.entries())
      expect(Math.abs((rgb[index] ?? 0) - level), `${[...rgb]}`).toBeLessThanOrEqual(4);
  });
});

describe('Chromium plays', () => {
  let server: Server;
  const served = new Map<string, string>();
  beforeAll(async () => {
    server = createServer(async ({ url = '/', headers }, response) => {
      const file = served.get(url);
      if (!file) {
        response.writeHead(url === '/' ? 200 : 404, { 'content-type': 'text/html' }).end('<!doctype html>');
        return;
      }
      const { size } = await stat(file);
      const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(headers.range ?? '') ?? [];
      const end = to === '' ? size - 1 : Number(to);
      response.writeHead(206, {
        'content-type': url.endsWith('.webm') ? 'video/webm' : 'video/mp4',
        'accept-ranges': 'bytes',
        'content-range': `bytes ${from}-${end}/${size}`,
        'content-length': end - Number(from) + 1,
      });
      createReadStream(file, { start: Number(from), end })
        .on('error', () => response.destroy())
        .pipe(response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve());
    });
  });
  afterAll(() => server.close());

  // The kit's Chromium has no decoder for H.265, as most browsers.
  test.each<[string, JobSketch, number]>([
    ['an h264 MP4 with sound', { composition: { source: fixture('beeps') }, chunking: { segments: 3 } }, 6],
    ['an MP4 at 30000/1001', { composition: { source: fixture('barcode-video-ntsc') } }, 90 * (1001 / 30000)],
    [
      'a vp9 WebM with sound',
      {
        composition: { source: fixture('beeps') },
        frameRange: [0, 60],
        encoding: { codec: 'vp9' },
        chunking: { segments: 3 },
        extension: 'webm',
      },
      2,
    ],
    [
      'a vp8 WebM',
      {
        composition: { source: fixture('barcode-css') },
        frameRange: [0, 30],
        encoding: { codec: 'vp8' },
        chunking: { segments: 2 },
        extension: 'webm',
      },
      1,
    ],
  ])('%s', async (_, job, seconds) => {
    const { file } = await renderer.render(job);
    const name = `/${path.basename(file)}`;
    served.set(name, file);
    const kit = await openKit();
    const browser = await puppeteer.launch({
      executablePath: kit.chromiumPath,
      env: { ...kit.env },
      args: [
        '--no-sandbox',
        '--no-zygote',
        '--disable-gpu',
        '--mute-audio',
        '--autoplay-policy=no-user-gesture-required',
      ],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const seen = await page.evaluate(async (src) => {
        const video = document.createElement('video');
        const event = (type: string) =>
          new Promise((resolve, reject) => {
            video.addEventListener(type, resolve, { once: true });
            video.addEventListener('error', () => reject(new Error(video.error?.message)), { once: true });
          });
        video.src = src;
        await event('canplaythrough');
        const { duration, videoWidth, videoHeight } = video;
        video.currentTime = duration / 2;
        await event('seeked');
        const middle = video.currentTime;
        video.currentTime = duration - 0.5;
        await event('seeked');
        const ended = event('ended');
        await video.play();
        await ended;
        return { duration, videoWidth, videoHeight, middle, end: video.currentTime, error: video.error };
      }, name);
      expect(seen).toMatchObject({ videoWidth: 320, videoHeight: 180, error: null });
      // A WebM counts milliseconds, and a sound may be longer by a part of its codec's frame.
      expect(Math.abs(seen.duration - seconds)).toBeLessThanOrEqual(1024 / 48_000);
      expect(seen.middle).toBeCloseTo(seen.duration / 2, 3);
      expect(seen.end).toBeCloseTo(seen.duration, 2);
    } finally {
      await browser.close();
    }
  });
});

describe('every codec', () => {
  const composition = { source: fixture('barcode-raf') };
  const job = (encoding: JobSketch['encoding'], extension: string): JobSketch => ({
    composition,
    frameRange: [20, 32],
    encoding: encoding ?? {},
    chunking: { segments: 3 },
    extension,
  });

  test.each<[string, JobSketch, Record<string, unknown>]>([
    ['h264', job({ codec: 'h264' }, 'mp4'), { codec_name: 'h264', pix_fmt: 'yuv420p' }],
    ['h264 in mov', job({ codec: 'h264' }, 'mov'), { codec_name: 'h264', pix_fmt: 'yuv420p' }],
    ['h264 in mkv', job({ codec: 'h264' }, 'mkv'), { codec_name: 'h264', pix_fmt: 'yuv420p' }],
    ['h264 lossless', job({ codec: 'h264', crf: 0, pixelFormat: 'yuv444p' }, 'mp4'), { pix_fmt: 'yuv444p' }],
    ['h264 with a bit rate', job({ codec: 'h264', bitrate: '2M' }, 'mp4'), { codec_name: 'h264' }],
    [
      'h265',
      job({ codec: 'h265' }, 'mp4'),
      { codec_name: 'hevc', codec_tag_string: 'hvc1', pix_fmt: 'yuv420p', color_space: 'bt709' },
    ],
    ['vp8', job({ codec: 'vp8' }, 'webm'), { codec_name: 'vp8', pix_fmt: 'yuv420p' }],
    ['vp9', job({ codec: 'vp9' }, 'webm'), { codec_name: 'vp9', pix_fmt: 'yuv420p', color_space: 'bt709' }],
    ['prores', job({ codec: 'prores' }, 'mov'), { codec_name: 'prores', pix_fmt: 'yuv422p10le' }],
    ['gif', job({ codec: 'gif' }, 'gif'), { codec_name: 'gif' }],
  ])('%s has all frames in order', async (_, sketch, stream) => {
    const { file, result } = await renderer.render(sketch);
    expect(result.frames).toBe(12);
    expect(await decodeBarcodes(file)).toEqual(count(20, 32));
    expect(await videoStream(file)).toMatchObject({ width: 320, height: 180, ...stream });
    if (sketch.extension === 'gif') return;
    const { timeBase, packets } = await packetTimes(file);
    const seconds = packets.map(({ pts }) => (pts * timeBase.num) / timeBase.den);
    for (const [frame, at] of seconds.entries()) expect(Math.abs(at - frame / 30)).toBeLessThanOrEqual(0.001);
  });

  test.each(['png', 'jpeg'] as const)('a %s sequence has a file for each frame', async (codec) => {
    const { file } = await renderer.render(job({ codec }, ''));
    const ending = codec === 'png' ? 'png' : 'jpg';
    const names = (await readdir(file)).sort();
    expect(names).toEqual(count(0, 12).map((n) => `${String(n).padStart(5, '0')}.${ending}`));
    const files = names.map((name) => path.join(file, name));
    expect(await decodeBarcodesOfImages(files)).toEqual(count(20, 32));
  });

  test('every third frame, in order', async () => {
    const encoding = { everyNthFrame: 3 };
    const { file, result } = await renderer.render({
      composition,
      frameRange: [10, 50],
      encoding,
      chunking: { segments: 4 },
    });
    expect(result).toMatchObject({ frames: 14, fps: 10 });
    expect(await decodeBarcodes(file)).toEqual(count(0, 14).map((n) => 10 + 3 * n));
    expect(await videoStream(file)).toMatchObject({ r_frame_rate: '10/1', avg_frame_rate: '10/1' });
  });

  test('twice the size', async () => {
    const { file } = await renderer.render(job({ scale: 2 }, 'mp4'));
    expect(await videoStream(file)).toMatchObject({ width: 640, height: 360 });
    expect(await decodeBarcodes(file)).toEqual(count(20, 32));
  });

  test.each([
    [0.5, 160, 90],
    [0.4, 128, 72],
    [0.1, 32, 18],
  ])('%f of the size', async (scale, width, height) => {
    const { file, result } = await renderer.render(job({ scale }, 'mp4'));
    expect(await videoStream(file)).toMatchObject({ width, height });
    expect(result).toMatchObject({ width, height });
  });

  test('a key frame as often as is asked for', async () => {
    const { file } = await renderer.render({
      composition,
      frameRange: [0, 40],
      encoding: { keyframeInterval: 10 },
      chunking: { segments: 1 },
    });
    const { packets } = await packetTimes(file);
    for (const at of [0, 10, 20, 30]) expect(packets[at]?.key).toBe(true);
  });
});

describe('transparency', () => {
  const FRAMES = 6;
  /** Alpha of each pixel of a frame, 0 to 255, as FFmpeg decodes it. */
  async function alphaOf(file: string, inputArgs: readonly string[] = []): Promise<Uint8Array> {
    return runTool(ffmpegPath, [
      ...['-loglevel', 'error', ...inputArgs, '-i', file, '-vframes', '1'],
      ...['-vf', 'format=rgba,alphaextract', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
    ]);
  }
  /** The name bar of the lower third is opaque, and the middle of the frame is empty. @param scale of 1920×1080 */
  function expectLowerThird(alpha: Uint8Array, scale: number): void {
    const [width, height] = [1920 * scale, 1080 * scale];
    const at = (x: number, y: number): number => alpha[y * scale * width + x * scale] ?? -1;
    expect(alpha).toHaveLength(width * height);
    expect([at(8, 8), at(960, 400), at(1908, 1068)]).toEqual([0, 0, 0]);
    expect([at(140, 840), at(320, 812)].every((level) => level >= 253)).toBe(true);
  }
  const job = (encoding: NonNullable<JobSketch['encoding']>, extension: string): JobSketch => ({
    composition: { source: example('lower-third') },
    frameRange: [70, 70 + FRAMES],
    encoding: { transparent: true, scale: 0.5, ...encoding },
    chunking: { segments: 2 },
    extension,
  });

  test.each([
    ['vp8', 'libvpx', 0.5],
    ['vp8', 'libvpx', 0.25],
    ['vp9', 'libvpx-vp9', 0.5],
    ['vp9', 'libvpx-vp9', 0.25],
  ] as const)('%s keeps it (%s, scale %f)', async (codec, decoder, scale) => {
    const { file } = await renderer.render(job({ codec, scale }, 'webm'));
    const stream = await videoStream(file);
    expect(stream.tags?.alpha_mode ?? stream.tags?.ALPHA_MODE).toBe('1');
    expect((await packetTimes(file)).packets).toHaveLength(FRAMES);
    expectLowerThird(await alphaOf(file, ['-c:v', decoder]), scale);
  });

  test.each([0.5, 0.25])('prores keeps it (scale %f)', async (scale) => {
    const { file } = await renderer.render(job({ codec: 'prores', scale }, 'mov'));
    expect((await videoStream(file)).pix_fmt).toMatch(/^yuva444p1[02]le$/);
    expect((await packetTimes(file)).packets).toHaveLength(FRAMES);
    expectLowerThird(await alphaOf(file), scale);
  });

  test('gif keeps it', async () => {
    const { file } = await renderer.render(job({ codec: 'gif' }, 'gif'));
    expectLowerThird(await alphaOf(file), 0.5);
  });

  test('a png sequence keeps it', async () => {
    const { file } = await renderer.render(job({ codec: 'png' }, ''));
    const names = (await readdir(file)).sort();
    expect(names).toHaveLength(FRAMES);
    expectLowerThird(await alphaOf(path.join(file, names[0] as string)), 0.5);
  });

  test('a video that is not asked to keep it has the page on white', async () => {
    const { file } = await renderer.render(
      job({ codec: 'h264', transparent: false, scale: 0.25, crf: 1 }, 'mp4'),
    );
    const corner = await runTool(ffmpegPath, [
      ...['-loglevel', 'error', '-i', file, '-vframes', '1', '-vf', 'crop=2:2:0:0,format=rgb24'],
      ...['-f', 'rawvideo', '-'],
    ]);
    expect(Math.min(...corner)).toBeGreaterThanOrEqual(253);
  });
});

describe('every sound codec', () => {
  test.each<[string, JobSketch, Record<string, unknown>]>([
    ['aac in mp4', { encoding: { audioCodec: 'aac' } } as JobSketch, { codec_name: 'aac' }],
    ['mp3 in mp4', { encoding: { audioCodec: 'mp3' } } as JobSketch, { codec_name: 'mp3' }],
    ['opus in webm', { encoding: { codec: 'vp8' }, extension: 'webm' } as JobSketch, { codec_name: 'opus' }],
    [
      'wav in mov',
      { encoding: { codec: 'prores' }, extension: 'mov' } as JobSketch,
      { codec_name: 'pcm_s16le' },
    ],
    ['aac in mov', { encoding: { audioCodec: 'aac' }, extension: 'mov' } as JobSketch, { codec_name: 'aac' }],
    ['aac in mkv', { encoding: { audioCodec: 'aac' }, extension: 'mkv' } as JobSketch, { codec_name: 'aac' }],
    ['aac beside begin-frame', { page: { capture: 'begin-frame' } } as JobSketch, { codec_name: 'aac' }],
    ['aac beside screenshots', { page: { capture: 'screenshot' } } as JobSketch, { codec_name: 'aac' }],
  ])('%s is in time', async (_, sketch, stream) => {
    const { file } = await renderer.render({
      ...sketch,
      composition: { source: fixture('beeps') },
      frameRange: [15, 75],
      chunking: { segments: 2 },
    });
    expect((await probe(file)).streams.find(({ codec_type }) => codec_type === 'audio')).toMatchObject(
      stream,
    );
    const { samples, sampleRate } = await decodeAudio(file);
    const onsets = findOnsets(samples, sampleRate);
    expect(onsets).toHaveLength(2);
    for (const [index, onset] of onsets.entries())
      expect(Math.abs(onset - (0.5 + index)), `onset at ${onset}`).toBeLessThanOrEqual(1024 / sampleRate);
    expect(await decodeBarcodes(file)).toEqual(count(15, 75));
  });

  test.each<[string, NonNullable<JobSketch['encoding']>]>([
    ['muted', { muted: true }],
    ['without a sound codec', { audioCodec: 'none' }],
  ])('%s', async (_, encoding) => {
    const { file } = await renderer.render({
      composition: { source: fixture('beeps') },
      frameRange: [0, 10],
      encoding,
    });
    expect((await probe(file)).streams.map(({ codec_type }) => codec_type)).toEqual(['video']);
  });
});
