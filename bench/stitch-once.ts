/** One way of joining, in a process of its own so that its memory is that of the way: `stitch-once.ts <way> <folder>`. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { checkOutput } from '../src/stitcher/check-output.ts';
import { concatSegments } from '../src/stitcher/concat.ts';
import { fetchSegments } from '../src/stitcher/fetch-segments.ts';
import { stitch, stitchInStore } from '../src/stitcher/stitch.ts';
import { keys } from '../src/storage/keys.ts';
import { LocalStore } from '../src/storage/local-store.ts';
import { writeSections } from '../src/storage/write-sections.ts';
import type { FrameResult } from '../src/types/frame-job.ts';
import type { Plan } from '../src/types/plan.ts';
import { cpuTimeOfTree } from './simulate/cpu-time.ts';

const [way = '', folder = ''] = process.argv.slice(2);
const store = new LocalStore(path.join(folder, 'store'));
const { plan, results } = JSON.parse(await readFile(path.join(folder, 'join.json'), 'utf8')) as {
  readonly plan: Plan;
  readonly results: readonly FrameResult[];
};
const outputFolder = path.join(folder, 'out');
const output = path.join(outputFolder, 'output.mp4');
await mkdir(outputFolder, { recursive: true });

/** The bytes of all segments, read from the store and written one after the other. */
async function copy(checked: boolean): Promise<void> {
  const sections = results.map(({ videoKey, bytes, sha256 }) => ({
    length: bytes,
    open: async function* (): AsyncGenerator<Buffer> {
      const hash = createHash('sha256');
      for await (const chunk of await store.get(videoKey)) {
        if (checked) hash.update(chunk);
        yield chunk;
      }
      if (checked && hash.digest('hex') !== sha256) throw new Error(`${videoKey} is damaged`);
    },
  }));
  await writeSections(output, sections, undefined);
}

async function concat(): Promise<void> {
  const { encoding, frames, composition } = plan;
  const segments = await fetchSegments({ plan, results, store }, outputFolder);
  const { fps } = composition;
  await concatSegments({ segments, encoding, fps, output, workFolder: outputFolder });
  await checkOutput(output, { frames, fps, exact: true });
}

const options = { plan, results, store, audioKey: null };
const waysOfJoining: Readonly<Record<string, () => Promise<unknown>>> = {
  copy: () => copy(false),
  'copy, digests checked': () => copy(true),
  joiner: async () => {
    const key = keys.output(plan.id, 'mp4');
    await stitchInStore(options, key);
    await store.delete(key);
  },
  'joiner, checked by FFmpeg': () => stitch(options, output),
  'concat, checked by FFmpeg': concat,
};
const since = performance.now();
await waysOfJoining[way]?.();
const seconds = (performance.now() - since) / 1000;
process.stdout.write(JSON.stringify({ seconds, cpuSeconds: cpuTimeOfTree() / 1000 }));
