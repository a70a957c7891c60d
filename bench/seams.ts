/**
 * What the proof of the seams and the hashes of the frames cost: `npm run bench:seams`. A busy machine makes the
 * plan's segments shorter; `--frames` gives them the length that they have on an idle one.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { cutToTarget } from '../src/orchestrator/segment-ranges.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import { encodingSchema } from '../src/types/encoding.ts';
import { type FrameResult, frameJobSchema } from '../src/types/frame-job.ts';
import { sha256 } from '../src/utils/digest.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { ChromiumFrameWorker } from '../src/worker/chromium-frame-worker.ts';
import { PICTURES_WASM } from '../src/worker/pictures-wasm.ts';
import { workerVersion } from '../src/worker/worker-version.ts';
import { compositionOf, type Subject, subjects } from './prepare.ts';
import { cpuTimeOfTree } from './simulate/cpu-time.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    frames: { type: 'string' },
    only: { type: 'string' },
  },
});

/** The work that a plan puts into a segment on a machine of up to 4 cores. */
const SEGMENT_MS = 20_000;
const SAMPLE_FRAMES = 32;
const HASHES = 200;

interface Run {
  readonly result: FrameResult;
  readonly cpuMs: number;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** Of a picture in 4:2:0, as the worker makes it. */
function hashMs({ width, height }: { readonly width: number; readonly height: number }): number {
  const module = new WebAssembly.Module(Buffer.from(PICTURES_WASM, 'base64'));
  const { memory, sums } = new WebAssembly.Instance(module).exports as {
    memory: WebAssembly.Memory;
    sums: (from: number, bytes: number, to: number) => void;
  };
  const bytes = width * height * 1.5;
  memory.grow(Math.ceil(bytes / 65_536));
  const since = performance.now();
  for (let times = 0; times < HASHES; times++) {
    sums(64, bytes, 0);
    sha256(new Uint8Array(memory.buffer, 0, 64));
  }
  return (performance.now() - since) / HASHES;
}

async function measure(subject: Subject): Promise<void> {
  await using folder = await createWorkFolder('bench');
  const store = new LocalStore(folder.path);
  const composition = await compositionOf(subject, store);
  await using worker = new ChromiumFrameWorker(store);
  const version = await workerVersion();
  let jobs = 0;
  const render = async (frames: number, lookAhead: boolean): Promise<Run> => {
    const job = frameJobSchema.parse({
      jobId: 'bench',
      index: 0,
      composition: { ...composition, durationInFrames: frames + 1 },
      range: [0, frames],
      lookAhead: lookAhead ? 'needed' : 'none',
      encoding: encodingSchema.parse({}),
      page: { seekMode: 'seek' },
      segmentKey: `${sha256(`bench ${jobs++}`)}/0-${frames}`,
      workerVersion: version,
    });
    const cpu = cpuTimeOfTree();
    const result = await worker.renderFrame(job);
    return { result, cpuMs: cpuTimeOfTree() - cpu };
  };

  const sample = (await render(SAMPLE_FRAMES, false)).result;
  const msPerFrame = sample.timings.frames / SAMPLE_FRAMES;
  const [[, length] = [0, 0]] = cutToTarget([0, 4096], SEGMENT_MS, 1, () => msPerFrame);
  const frames = Number(values.frames ?? length);
  const runs: Record<'with' | 'without', Run[]> = { with: [], without: [] };
  for (let round = 0; round < Number(values.rounds); round++)
    for (const kind of round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const))
      runs[kind].push(await render(frames, kind === 'with'));

  const total = median(runs.with.map(({ result }) => result.timings.total));
  const seams = median(runs.with.map(({ result }) => result.timings.seams / result.timings.total));
  const hash = hashMs(composition);
  const hashing = ((runs.with[0]?.result.captured ?? 0) * hash) / total;
  const cpu = (kind: keyof typeof runs): number => median(runs[kind].map(({ cpuMs }) => cpuMs));
  const wall = (kind: keyof typeof runs): number =>
    median(runs[kind].map(({ result }) => result.timings.total));
  console.log(
    `${subject.name.padEnd(7)} ${frames} frames, ${(total / 1000).toFixed(1)} s   seams ${percent(seams)} (${(seams * total).toFixed(0)} ms)   hashes ${percent(hashing)} (${hash.toFixed(2)} ms each)   together ${percent(seams + hashing)}   looking ahead against not: wall ${percent(wall('with') / wall('without') - 1)}, CPU ${percent(cpu('with') / cpu('without') - 1)}`,
  );
}

for (const subject of subjects(false))
  if (values.only === undefined || values.only === subject.name) await measure(subject);
