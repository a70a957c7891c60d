/**
 * A canvas by H.264 of the page itself (WebCodecs), beside the way that the kit takes: `npm run bench:in-page`. Each
 * way renders a short and a long range with one browser, in turn; what lies between them is what frames cost.
 */
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { segmentKey } from '../src/orchestrator/segment-key.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import { encodingSchema } from '../src/types/encoding.ts';
import { type FrameJob, frameJobSchema } from '../src/types/frame-job.ts';
import { sha256 } from '../src/utils/digest.ts';
import { runFfmpeg } from '../src/utils/ffmpeg.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import type { Browser } from '../src/worker/browser.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { PageSession } from '../src/worker/page-session.ts';
import { PICTURES_WASM } from '../src/worker/pictures-wasm.ts';
import { writeSegment } from '../src/worker/segment-writer.ts';
import { workerVersion } from '../src/worker/worker-version.ts';
import { countFrames, similarity, takeReference } from './peers/quality.ts';
import { compositionOf, subjects } from './prepare.ts';
import { cpuTimeOfTree } from './simulate/cpu-time.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'canvas' },
    frames: { type: 'string', default: '120' },
    rounds: { type: 'string', default: '3' },
    kilobits: { type: 'string', default: '11000' },
  },
});
const LONG = Number(values.frames);
const SHORT = Math.round(LONG / 3);
const QUEUE = 2;

/** In the page: makes `encode(frame)`, and `finish()` that gives all bytes as base64. */
function encoderInPage(toLimited: boolean): string {
  return `(async () => {
    const canvas = document.querySelector('canvas');
    const { width, height } = canvas;
    const chunks = [];
    let failure;
    const encoder = new VideoEncoder({
      output: (chunk) => { const bytes = new Uint8Array(chunk.byteLength); chunk.copyTo(bytes); chunks.push(bytes); },
      error: (error) => { failure = error; },
    });
    encoder.configure({
      codec: 'avc1.640028', width, height, framerate: 30, bitrate: ${Number(values.kilobits) * 1000},
      bitrateMode: 'variable', latencyMode: 'quality', avc: { format: 'annexb' },
    });
    const colorSpace = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false };
    const { memory, toI420 } = new WebAssembly.Instance(new WebAssembly.Module(
      Uint8Array.from(atob('${PICTURES_WASM}'), (letter) => letter.charCodeAt(0)))).exports;
    const pixels = width * height;
    memory.grow(Math.ceil((pixels * 5.5 + 64) / 65536));
    const rgb = new Uint8Array(memory.buffer, 64, pixels * 4);
    const yuv = new Uint8Array(memory.buffer, 64 + pixels * 4, pixels * 1.5);
    const limited = async (picture, timestamp) => {
      if (!/^BGR/.test(picture.format)) throw new Error('pictures are ' + picture.format);
      await picture.copyTo(rgb);
      toI420(rgb.byteOffset, width, height, yuv.byteOffset);
      return new VideoFrame(yuv, { format: 'I420', codedWidth: width, codedHeight: height, timestamp, colorSpace });
    };
    let sent = 0;
    window.encode = async (frame) => {
      const timestamp = Math.round(frame * 1e6 / 30);
      let picture = new VideoFrame(canvas, { timestamp });
      if (${toLimited}) { const made = await limited(picture, timestamp); picture.close(); picture = made; }
      while (encoder.encodeQueueSize > ${QUEUE}) await new Promise((done) => encoder.addEventListener('dequeue', done, { once: true }));
      if (failure) throw failure;
      encoder.encode(picture, { keyFrame: sent++ % 60 === 0 });
      picture.close();
    };
    window.finish = async () => {
      await encoder.flush();
      if (failure) throw failure;
      const whole = new Uint8Array(await new Blob(chunks).arrayBuffer());
      let text = '';
      for (let at = 0; at < whole.length; at += 32768) text += String.fromCharCode(...whole.subarray(at, at + 32768));
      return btoa(text);
    };
  })()`;
}

type Way = (browser: Browser, job: FrameJob, file: string) => Promise<unknown>;

function inThePage(toLimited: boolean): Way {
  return async (browser, { composition, page, range: [start, end] }, file) => {
    await using session = await PageSession.open(browser, {
      composition,
      page,
      scale: 1,
      transparent: false,
    });
    browser.root.connection.allowMessages(2 ** 26);
    await session.evaluate(encoderInPage(toLimited));
    for (let frame = start; frame < end; frame++) {
      await session.step(frame);
      await session.evaluate(`encode(${frame})`);
    }
    const stream = `${file}.h264`;
    await writeFile(stream, Buffer.from(await session.evaluate<string>('finish()'), 'base64'));
    await runFfmpeg(['-y', '-framerate', '30', '-i', stream, '-c', 'copy', file]);
  };
}

const WAYS: Readonly<Record<string, Way>> = {
  'memory, x264': writeSegment,
  'in the page': inThePage(false),
  'in the page, limited range': inThePage(true),
};

interface Measured {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

await using folder = await createWorkFolder('bench');
const store = new LocalStore(path.join(folder.path, 'store'));
await using worker = new ChromiumFrameWorker(store);
const [subject] = subjects(false, LONG).filter(({ name }) => name === values.only);
if (!subject) throw new Error(`There is no look ${values.only}.`);
const composition = await compositionOf(subject, store);
const version = await workerVersion();

async function run(way: Way, frames: number, file: string): Promise<Measured> {
  const range = [0, frames] as const;
  const job = frameJobSchema.parse({
    ...{ jobId: 'bench', index: 0, composition, range, workerVersion: version },
    ...{ encoding: encodingSchema.parse({}), page: { seekMode: 'seek' } },
    segmentKey: segmentKey(sha256('bench'), [...range]),
  });
  return worker.withBrowser(composition, { mode: 'begin-frame', scale: 1 }, undefined, async (browser) => {
    const [since, cpuBefore] = [performance.now(), cpuTimeOfTree()];
    await way(browser, job, file);
    return { wallMs: performance.now() - since, cpuMs: cpuTimeOfTree() - cpuBefore };
  });
}

await takeReference(subject, LONG, folder.path);
const names = Object.keys(WAYS);
const fileOf = (name: string): string => path.join(folder.path, `${names.indexOf(name)}.mp4`);
const measured = new Map<string, Measured[]>(names.map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, way] of Object.entries(WAYS)) {
    const short = await run(way, SHORT, fileOf(name));
    const long = await run(way, LONG, fileOf(name));
    const of = (part: keyof Measured) => (long[part] - short[part]) / (LONG - SHORT);
    measured.get(name)?.push({ wallMs: of('wallMs'), cpuMs: of('cpuMs') });
  }
}

console.log(`${values.only}, ${LONG} frames, median of ${values.rounds} rounds\n`);
console.log('| | ms a frame | CPU ms a frame | kB a frame | frames | SSIM |\n|---|---|---|---|---|---|');
for (const [name, runs] of measured) {
  const file = fileOf(name);
  const cells = [
    median(runs.map(({ wallMs }) => wallMs)).toFixed(1),
    median(runs.map(({ cpuMs }) => cpuMs)).toFixed(1),
    ((await stat(file)).size / LONG / 1000).toFixed(1),
    await countFrames(file),
    (await similarity(file, folder.path)).toFixed(4),
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
