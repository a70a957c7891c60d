import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundleEntry } from '../../lambda/bundle.ts';
import { buildLayers } from '../../layers/build.ts';
import { buildChromiumLayer } from '../../layers/chromium.ts';
import type { Layer } from '../../layers/layer.ts';
import { listFiles } from '../../layers/tree.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { readSegmentRecord } from '../../src/storage/segment-record.ts';
import type { SegmentRecord } from '../../src/types/frame-job.ts';
import type { Plan } from '../../src/types/plan.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { sha256File } from '../../src/utils/digest.ts';
import { fontFolders } from '../../src/worker/fonts.ts';
import {
  findChromium,
  packagedChromium,
  UNPACKED_BYTES,
  unpackChromium,
} from '../../src/worker/packed-chromium.ts';
import { type ChildOutcome, startChildRender } from '../helpers/child-render.ts';
import { example } from '../helpers/renderer.ts';

let folder: string;
let layers: Layer[];
/** All layers at one place, as Lambda shows them below /opt. */
let kit: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kit-'));
  kit = path.join(folder, 'opt', 'helios');
  layers = await buildLayers();
  await mkdir(kit, { recursive: true });
  for (const { name, folder: layer } of layers) {
    await symlink(path.join(layer, 'helios', name), path.join(kit, name));
  }
  await bundleEntry('test/helpers/render-child.ts', path.join(folder, 'task'));
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As on Lambda: a bundle that sees no node_modules, a home that does not exist, and a kit in layers. */
const onLambda = (temp: string, helios = kit) => ({
  script: path.join(folder, 'task', 'index.mjs'),
  env: { HELIOS_KIT: helios, HOME: '/proc/nobody', XDG_CACHE_HOME: '', FFMPEG_PATH: '', TMPDIR: temp },
});
const temporary = async (name: string): Promise<string> => {
  await mkdir(path.join(folder, name), { recursive: true });
  return path.join(folder, name);
};

function job(composition: RenderJobInput['composition'], more: Partial<RenderJobInput> = {}): RenderJobInput {
  const encoding = { scale: 0.5 };
  return {
    id: 'kit',
    composition,
    outputPath: path.join(folder, 'out.mp4'),

    encoding,
    ...more,
  };
}

/** What the store of a render says of it. */
async function frames(store: LocalStore): Promise<{ plan: Plan; digests: string[] }> {
  const plan = await readPlan(store, 'kit');
  const records = plan.frameJobs.map(
    async ({ segmentKey }) => (await readSegmentRecord(store, segmentKey)) as SegmentRecord,
  );
  return { plan, digests: (await Promise.all(records)).flatMap(({ frameDigests }) => frameDigests) };
}

test('the browser is made the same twice', async () => {
  const again = await buildChromiumLayer(await temporary('again'));
  expect(again.digest).toBe(layers.find(({ name }) => name === 'chromium')?.digest);
}, 240_000);

test('the layer unpacks to the files of the package, in the room it asks for', async () => {
  const unpacked = async (name: string, packed: Awaited<ReturnType<typeof findChromium>>) => {
    const target = await temporary(name);
    await unpackChromium(packed, target);
    const files = (await listFiles(target)).map(async (file) => {
      const { mode, size } = await stat(path.join(target, file));
      return { file, mode, size, digest: await sha256File(path.join(target, file)) };
    });
    return Promise.all(files);
  };
  vi.stubEnv('HELIOS_KIT', kit);
  const layer = await findChromium();
  vi.unstubAllEnvs();
  const ours = await unpacked('from-package', await packagedChromium());

  expect(layer.ending).toBe('.zst');
  expect(await unpacked('from-layer', layer)).toEqual(ours);
  const bytes = ours.reduce((sum, { size }) => sum + size, 0);
  expect(bytes).toBeLessThan(UNPACKED_BYTES);
  expect(bytes).toBeGreaterThan(0.9 * UNPACKED_BYTES);
});

test.each([
  ['world-text', { fps: 5 }, {}],
  ['webgl-shader', {}, { frameRange: [20, 24] }],
  ['video-and-music', {}, { frameRange: [30, 36] }],
] as const)(
  'a function with layers and nothing else draws the frames of %s',
  async (name, how, more) => {
    const input = job({ source: example(name), ...how }, more as Partial<RenderJobInput>);
    const stores = ['local', 'lambda'].map((place) => new LocalStore(path.join(folder, place, name)));
    const [local, lambda] = stores as [LocalStore, LocalStore];
    const temp = await temporary('tmp');

    expect((await startChildRender(local.url, input, {}).ended).error).toBeUndefined();
    expect((await startChildRender(lambda.url, input, onLambda(temp)).ended).error).toBeUndefined();

    const [expected, found] = [await frames(local), await frames(lambda)];
    expect(found.digests).toEqual(expected.digests);
    expect(new Set(found.digests).size).toBeGreaterThan(3);
    expect(found.plan.frameJobs[0]?.workerVersion).toBe(expected.plan.frameJobs[0]?.workerVersion);
    expect((await readdir(path.join(temp, 'helios-infra', 'kit'))).join()).toMatch(
      /^chromium-\d.*fonts-.*conf/,
    );
  },
  240_000,
);

describe('a kit that is not whole', () => {
  const failure = async (temp: string, helios: string): Promise<ChildOutcome['error']> =>
    (
      await startChildRender(
        path.join(folder, 'broken'),
        job({ source: example('css-title') }),
        onLambda(temp, helios),
      ).ended
    ).error;

  test('says which layer is missing', async () => {
    const empty = await temporary('empty');
    vi.stubEnv('HELIOS_KIT', empty);
    await expect(findChromium()).rejects.toThrow(path.join(empty, 'chromium', 'chromium.json'));
    expect(() => fontFolders()).toThrow(path.join(empty, 'fonts', 'fonts.json'));
    vi.unstubAllEnvs();
    const error = await failure(await temporary('tmp-empty'), empty);
    expect(error).toMatchObject({ name: 'KitError' });
    expect(error?.message).toContain(path.join(empty, 'ffmpeg', 'ffmpeg'));
  });

  test('refuses fonts of another version', async () => {
    const other = await temporary('other');
    await mkdir(path.join(other, 'fonts'));
    await writeFile(path.join(other, 'fonts', 'fonts.json'), '{"digest":"0123"}');
    vi.stubEnv('HELIOS_KIT', other);
    expect(() => fontFolders()).toThrow(/another version/);
    vi.unstubAllEnvs();
  });

  test('is not unpacked into a folder that others may write to', async () => {
    const temp = await temporary('shared');
    await mkdir(path.join(temp, 'helios-infra'));
    spawnSync('chmod', ['777', path.join(temp, 'helios-infra')]);
    const error = await failure(temp, kit);
    expect(error).toMatchObject({ name: 'KitError' });
    expect(error?.message).toContain('others may write to it');
  });

  const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
  test.skipIf(!canMount)('is not unpacked where it has no room', async () => {
    const temp = await temporary('small');
    const script = `mount -t tmpfs -o size=100m,mode=1777 tmpfs "${temp}" && "$@"; status=$?; find "${temp}" -name 'chromium*' >&2; exit $status`;
    const { error, stderr } = await startChildRender(
      path.join(folder, 'broken'),
      job({ source: example('css-title') }),
      { ...onLambda(temp), wrapper: ['unshare', '-rm', 'sh', '-c', script, 'sh'] },
    ).ended;
    expect(error).toMatchObject({ name: 'DiskFullError', details: { needed: UNPACKED_BYTES } });
    expect(error?.message).toMatch(/takes 225 MB .* has 104 MB left/);
    expect(stderr).toBe('');
  });
});
