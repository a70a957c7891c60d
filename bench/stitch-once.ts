/** One way of joining, in a process of its own so that its memory is that of the way: `stitch-once.ts <way> <store> <file>`. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { checkOutput } from '../src/stitcher/check-output.ts';
import { concatSegments } from '../src/stitcher/concat.ts';
import { fetchSegments } from '../src/stitcher/fetch-segments.ts';
import { stitch, stitchInStore } from '../src/stitcher/stitch.ts';
import { keys } from '../src/storage/keys.ts';
import type { Section } from '../src/storage/object-store.ts';
import { openStore } from '../src/storage/open-store.ts';
import type { FrameResult } from '../src/types/frame-job.ts';
import type { Plan } from '../src/types/plan.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { cpuTimeOfTree } from './simulate/cpu-time.ts';
import type { WayOfJoining } from './stitch.ts';

const [way = '', url = '', told = ''] = process.argv.slice(2);
const store = openStore(url);
const { plan, results } = JSON.parse(await readFile(told, 'utf8')) as {
  readonly plan: Plan;
  readonly results: readonly FrameResult[];
};
const options = { plan, results, store, audioKey: null };
const key = keys.output(plan.id, 'mp4');
await using folder = await createWorkFolder('bench-output');
const output = path.join(folder.path, 'output.mp4');

/** The least that S3 copies by itself as a part. */
const MIN_COPY_BYTES = 5 * 1024 ** 2;

/** The bytes of all segments, read from the store and put there as one object, or copied where S3 does so by itself. */
async function copy(checked: boolean): Promise<void> {
  const sections = results.map(
    ({ videoKey, bytes, sha256 }): Section => ({
      length: bytes,
      stored: bytes < MIN_COPY_BYTES ? undefined : [{ key: videoKey, start: 0, end: bytes }],
      open: async function* (): AsyncGenerator<Buffer> {
        const hash = createHash('sha256');
        for await (const chunk of await store.get(videoKey, { start: 0, end: bytes })) {
          if (checked) hash.update(chunk);
          yield chunk;
        }
        if (checked && hash.digest('hex') !== sha256) throw new Error(`${videoKey} is damaged`);
      },
    }),
  );
  await store.compose(key, sections);
}

/** As outputs were joined before there was the joiner. */
async function concat(): Promise<void> {
  const { encoding, frames, composition } = plan;
  const segments = await fetchSegments({ plan, results, store }, folder.path);
  const { fps } = composition;
  await concatSegments({ segments, encoding, fps, output, workFolder: folder.path });
  await checkOutput(output, { frames, fps, exact: true });
}

async function joinedByTheKit(joined: Promise<{ readonly joinedBy: string } | undefined>): Promise<void> {
  if ((await joined)?.joinedBy !== 'kit') throw new Error('the joiner did not join');
}

const ways: Readonly<Record<WayOfJoining, () => Promise<void>>> = {
  copy: () => copy(false),
  'copy, digests checked': () => copy(true),
  joiner: () => joinedByTheKit(stitchInStore(options, key)),
  'joiner, into a file': () => joinedByTheKit(stitch(options, output)),
  concat: async () => {
    await concat();
    await store.put(key, { file: output });
  },
  'concat, into a file': concat,
};
// What is loaded and connected once is no work of the way.
await store.head(key);
const since = performance.now();
await ways[way as WayOfJoining]();
const seconds = (performance.now() - since) / 1000;
// That of `resourceUsage` is never below that of the process that started this one.
const [, kibibytes] = /^VmHWM:\s+(\d+)/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
const maxRssBytes = Number(kibibytes) * 1024;
process.stdout.write(JSON.stringify({ seconds, cpuSeconds: cpuTimeOfTree() / 1000, maxRssBytes }));
