/** Measures what constants.ts and src/orchestrator/farm-times.ts have of frames, segments and sound: `node bench/simulate/measure.ts`. CPU times, for the machine may be busy. */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { segmentKey } from '../../src/orchestrator/segment-key.ts';
import { mixAudio } from '../../src/stitcher/audio-mix.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { audioTrackSchema } from '../../src/types/audio.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import { type FrameResult, frameJobSchema } from '../../src/types/frame-job.ts';
import type { FrameRange } from '../../src/types/render-job.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { createWorkFolder } from '../../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../../src/worker/chromium-frame-worker.ts';
import { openKit } from '../../src/worker/kit.ts';
import { workerVersion } from '../../src/worker/worker-version.ts';
import { compositionOf, type Subject, subjects } from '../prepare.ts';
import { cpuTimeOfTree } from './cpu-time.ts';

const SHORT = 16;
const LONG = 128;
const FPS = 30;
const encoding = encodingSchema.parse({});

interface Cost<T> {
  readonly value: T;
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function costOf<T>(work: () => Promise<T>): Promise<Cost<T>> {
  const [cpu, wall] = [cpuTimeOfTree(), performance.now()];
  const value = await work();
  return { value, cpuMs: cpuTimeOfTree() - cpu, wallMs: performance.now() - wall };
}

const round = (value: number): number => Number(value.toPrecision(3));

async function measureFrames(subject: Subject, store: LocalStore) {
  const composition = await compositionOf(subject, store);
  await using worker = new ChromiumFrameWorker(store);
  const version = await workerVersion();
  const render = (start: number, frames: number): Promise<Cost<FrameResult>> => {
    const range: FrameRange = [start, start + frames];
    const job = frameJobSchema.parse({
      jobId: 'measure',
      index: 0,
      composition,
      range,
      encoding,
      page: { seekMode: 'seek' },
      segmentKey: segmentKey(sha256(subject.name), range),
      workerVersion: version,
    });
    return costOf(() => worker.renderFrame(job));
  };
  const cold = await render(0, SHORT);
  const short = await render(0 + SHORT, SHORT);
  const long = await render(SHORT, LONG);
  const frameCpuMs = (long.cpuMs - short.cpuMs) / (LONG - SHORT);
  return {
    look: subject.name,
    frameCpuMs: round(frameCpuMs),
    frameWallMs: round((long.wallMs - short.wallMs) / (LONG - SHORT)),
    segmentCpuMs: round(short.cpuMs - SHORT * frameCpuMs),
    launchCpuMs: round(cold.cpuMs - short.cpuMs),
    bytesPerFrame: round(long.value.bytes / LONG),
  };
}

async function measureAudio() {
  const seconds = 600;
  await using folder = await createWorkFolder('measure');
  const music = path.resolve(import.meta.dirname, '../../examples/video-and-music/music.m4a');
  const source = { kind: 'blob', sha256: sha256('music') };
  const { cpuMs, wallMs } = await costOf(() =>
    mixAudio({
      tracks: [audioTrackSchema.parse({ id: 'music', source, startTime: 0, loop: true })],
      frameRange: [0, seconds * FPS],
      durationInFrames: seconds * FPS,
      fps: FPS,
      openSource: async () => music,
      codec: 'aac',
      bitrate: encoding.audioBitrate,
      outputFile: path.join(folder.path, 'audio.m4a'),
    }),
  );
  return { secondCpuMs: round(cpuMs / seconds), secondWallMs: round(wallMs / seconds) };
}

await openKit();
await using folder = await createWorkFolder('simulate');
const store = new LocalStore(folder.path);
for (const subject of subjects(true)) {
  console.log(JSON.stringify(await measureFrames(subject, store)));
}
console.log(JSON.stringify({ audio: await measureAudio() }));
