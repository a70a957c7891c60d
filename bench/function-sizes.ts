/**
 * Measures what the farm's functions need: `npm run bench:functions`, after `npm run build && npm run layers`. Each
 * call is a new process on one core, then on two, with the bundles and layers that are deployed and an S3 on loopback.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { referenceTo } from '../src/orchestrator/job-orchestrator.ts';
import { readPlan } from '../src/orchestrator/plan-record.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';
import { S3Store } from '../src/storage/s3-store.ts';
import { readSegmentRecord } from '../src/storage/segment-record.ts';
import type { SegmentRecord } from '../src/types/frame-job.ts';
import { defaultSizes, type FunctionName } from '../src/types/function-sizes.ts';
import { packageFolder } from '../src/utils/package-version.ts';
import { createWorkFolder } from '../src/utils/work-folder.ts';
import { TestS3 } from '../test/helpers/test-s3.ts';
import { withPeakMemory } from './memory.ts';
import { cpuTimeOfTree } from './simulate/cpu-time.ts';

const BUCKET = 'measure';
const SAMPLE_MS = 200;
const SCRIPT = fileURLToPath(new URL('function-process.ts', import.meta.url));

interface Told {
  readonly answer: { readonly key?: string | null };
  readonly readyMs: number;
  readonly handledMs: number;
}

interface Scene {
  readonly name: string;
  readonly source: string;
  readonly frames: number;
  readonly scale?: number;
}

const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const scenes: readonly Scene[] = [
  { name: 'DOM, 1080p', source: folder('compositions/dom'), frames: 24 },
  { name: 'WebGL, 1080p', source: folder('compositions/webgl'), frames: 8 },
  { name: 'DOM, 2160p', source: folder('compositions/dom'), frames: 8, scale: 2 },
  { name: 'film and music', source: folder('../examples/video-and-music'), frames: 24 },
];

/** Bytes of a folder, as far as its files stay while it is looked at. */
async function folderBytes(root: string): Promise<number> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(path.join(entry.parentPath, entry.name)).then(
          ({ blocks }) => blocks * 512,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The layers under one folder, as they appear at /opt/helios. */
async function layerFolder(home: string): Promise<string> {
  const kit = path.join(home, 'helios');
  await mkdir(kit);
  for (const name of ['chromium', 'fonts', 'ffmpeg'])
    await symlink(path.join(packageFolder(), 'dist', 'layers', name, 'helios', name), path.join(kit, name));
  return kit;
}

async function call(name: FunctionName, event: unknown, cores: string, kit: string): Promise<Told> {
  await using temp = await createWorkFolder('function');
  const env = {
    ...process.env,
    HELIOS_STORE: `s3://${BUCKET}`,
    HELIOS_KIT: kit,
    TMPDIR: temp.path,
    HOME: temp.path,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(defaultSizes[name].memory),
    POWERTOOLS_TRACE_ENABLED: 'false',
  };
  const ownCpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  const functionCpuMs = (): number => cpuTimeOfTree() - ownCpuMs();
  const [cpuBefore, since] = [functionCpuMs(), performance.now()];
  let [tempBytes, cpuMs] = [0, 0];
  // A browser that outlives its function is not waited for, and its time is known only while it is there.
  const timer = setInterval(async () => {
    cpuMs = Math.max(cpuMs, functionCpuMs() - cpuBefore);
    tempBytes = Math.max(tempBytes, await folderBytes(temp.path));
  }, SAMPLE_MS);
  const command = ['-c', cores, process.execPath, SCRIPT, name, JSON.stringify(event)];
  const run = () => promisify(execFile)('taskset', command, { env, maxBuffer: 64e6 });
  const { value, peakBytes } = await withPeakMemory(run).finally(() => clearInterval(timer));
  const seconds = (performance.now() - since) / 1000;
  console.log(
    `${name.padEnd(7)} ${cores.padEnd(4)} ${seconds.toFixed(1).padStart(6)} s  CPU ${(cpuMs / 1000).toFixed(1).padStart(6)} s  ${(peakBytes / 2 ** 20).toFixed(0).padStart(5)} MiB  /tmp ${(tempBytes / 2 ** 20).toFixed(0).padStart(4)} MiB`,
  );
  return JSON.parse(value.stdout.slice(value.stdout.lastIndexOf('\n'))) as Told;
}

/** What the way to the first picture took, from the start of the process. */
async function tellStart(store: ObjectStore, id: string, { readyMs, handledMs }: Told): Promise<void> {
  const [frameJob] = (await readPlan(store, id)).frameJobs;
  const { timings } = (await readSegmentRecord(store, frameJob?.segmentKey ?? '')) as SegmentRecord;
  const { browser, load, firstFrame, total: ms } = timings;
  // What a handler does around a segment is before it, nearly all.
  const parts = { ready: readyMs, plan: handledMs - ms, browser, page: load, picture: firstFrame };
  const list = Object.entries(parts).map(([part, ms]) => `${part} ${(ms / 1000).toFixed(2)}`);
  const total = Object.values(parts).reduce((sum, ms) => sum + ms, 0);
  console.log(`        first picture after ${(total / 1000).toFixed(2)} s: ${list.join(', ')}`);
}

await using home = await createWorkFolder('sizes');
const kit = await layerFolder(home.path);
await using _s3 = await TestS3.open(BUCKET);
const store = new S3Store(`s3://${BUCKET}`);
const only = process.argv[2];
for (const { name, source, frames, scale = 1 } of scenes) {
  if (only && !name.startsWith(only)) continue;
  console.log(name);
  const ref = await referenceTo(source, store);
  for (const cores of ['0', '0,1']) {
    const id = `${name.replaceAll(/\W+/g, '-')}-${cores.length}`;
    // Props of its own keep it from finding what the call before it stored.
    const composition = { source, inputProps: { id } };
    const shared = { composition, frameRange: [0, frames], encoding: { scale }, chunking: { segments: 1 } };
    await call('plan', { job: { id, outputPath: 'out.mp4', ...shared }, ref }, cores, kit);
    await tellStart(store, id, await call('render', { id, index: 0 }, cores, kit));
    const { key = null } = (await call('audio', { id }, cores, kit)).answer;
    await call('stitch', { id, audioKey: key }, cores, kit);
  }
}
